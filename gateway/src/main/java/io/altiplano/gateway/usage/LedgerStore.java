package io.altiplano.gateway.usage;

import java.time.OffsetDateTime;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jspecify.annotations.Nullable;

/** The usage tables in SQL. */
final class LedgerStore {
    /** Entries that are there already are left alone, and only new ones reach the rollup: posting twice is posting once. */
    private static final String POST = """
            WITH posted AS (
                INSERT INTO ledger_entry (job_id, line, submitted_at, tenant_id, project_id, api_key_id, model, adapter,
                    outcome, prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id, finished_at)
                SELECT job_id, 0, submitted_at, tenant_id, project_id, api_key_id, model, adapter,
                    outcome, prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id, finished_at
                FROM unnest(:job_id::uuid[], :submitted_at::timestamptz[], :tenant_id::text[], :project_id::text[],
                    :api_key_id::text[], :model::text[], :adapter::text[], :outcome::text[], :prompt_tokens::bigint[],
                    :completion_tokens::bigint[], :cached_tokens::bigint[], :attempts::int[], :decision_id::text[],
                    :finished_at::timestamptz[])
                    AS e (job_id, submitted_at, tenant_id, project_id, api_key_id, model, adapter, outcome,
                        prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id, finished_at)
                ON CONFLICT DO NOTHING
                RETURNING *)
            INSERT INTO usage_rollup AS r (tenant_id, project_id, model, hour, requests, failed, prompt_tokens,
                completion_tokens, cached_tokens)
            SELECT tenant_id, project_id, model, date_trunc('hour', submitted_at, 'UTC') AS hour,
                count(*) FILTER (WHERE outcome <> 'FAILED'), count(*) FILTER (WHERE outcome = 'FAILED'),
                sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens)
            FROM posted GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
            ON CONFLICT (tenant_id, project_id, model, hour) DO UPDATE SET
                requests = r.requests + excluded.requests,
                failed = r.failed + excluded.failed,
                prompt_tokens = r.prompt_tokens + excluded.prompt_tokens,
                completion_tokens = r.completion_tokens + excluded.completion_tokens,
                cached_tokens = r.cached_tokens + excluded.cached_tokens""";

    private LedgerStore() {}

    /** The next offset to post of a partition, 0 if none was ever posted. */
    static long nextOffset(Handle ledger, String topic, int partition) {
        ledger.execute(
                "INSERT INTO ingest_offset (topic, partition, next_offset) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
                topic,
                partition);
        return ledger.createQuery(
                        "SELECT next_offset FROM ingest_offset WHERE topic = :topic AND partition = :partition")
                .bind("topic", topic)
                .bind("partition", partition)
                .mapTo(Long.class)
                .one();
    }

    /** Moves the offset if it is where the batch begins; false if another gateway has moved it. */
    static boolean advance(Handle ledger, Batch batch) {
        return ledger.execute(
                        "UPDATE ingest_offset SET next_offset = ? WHERE topic = ? AND partition = ? AND next_offset = ?",
                        batch.to(),
                        batch.topic(),
                        batch.partition(),
                        batch.from())
                == 1;
    }

    /** Posts entries that are not there yet and adds them to the rollups. */
    static void post(Handle ledger, List<LedgerEntry> entries) {
        if (entries.isEmpty()) {
            return;
        }
        ensurePartitions(ledger, entries);
        ledger.createUpdate(POST)
                .bindArray("job_id", UUID.class, column(entries, LedgerEntry::jobId))
                .bindArray(
                        "submitted_at",
                        String.class,
                        column(entries, e -> e.submittedAt().toString()))
                .bindArray("tenant_id", String.class, column(entries, LedgerEntry::tenantId))
                .bindArray("project_id", String.class, column(entries, LedgerEntry::projectId))
                .bindArray("api_key_id", String.class, column(entries, LedgerEntry::apiKeyId))
                .bindArray("model", String.class, column(entries, LedgerEntry::model))
                .bindArray("adapter", String.class, column(entries, LedgerEntry::adapter))
                .bindArray("outcome", String.class, column(entries, LedgerEntry::outcome))
                .bindArray("prompt_tokens", Long.class, column(entries, LedgerEntry::promptTokens))
                .bindArray("completion_tokens", Long.class, column(entries, LedgerEntry::completionTokens))
                .bindArray("cached_tokens", Long.class, column(entries, LedgerEntry::cachedTokens))
                .bindArray("attempts", Integer.class, column(entries, LedgerEntry::attempts))
                .bindArray("decision_id", String.class, column(entries, LedgerEntry::decisionId))
                .bindArray(
                        "finished_at",
                        String.class,
                        column(entries, e -> e.finishedAt().toString()))
                .execute();
    }

    private static void ensurePartitions(Handle ledger, List<LedgerEntry> entries) {
        Set<YearMonth> months = entries.stream()
                .map(e -> YearMonth.from(e.submittedAt().atOffset(ZoneOffset.UTC)))
                .collect(Collectors.toSet());
        for (YearMonth month : months) {
            OffsetDateTime first = month.atDay(1).atStartOfDay().atOffset(ZoneOffset.UTC);
            ledger.createQuery("SELECT ensure_ledger_partition(:first)")
                    .bind("first", first)
                    .mapTo(String.class)
                    .one();
        }
    }

    private static <T> List<T> column(List<LedgerEntry> entries, Function<LedgerEntry, T> field) {
        return entries.stream().map(field).toList();
    }

    static void bury(Handle ledger, Batch batch) {
        for (DeadLetter letter : batch.dead()) {
            ledger.execute("""
                    INSERT INTO dead_letter (topic, partition, record_offset, reason) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING""", batch.topic(), batch.partition(), letter.offset(), letter.reason());
        }
    }

    /** Sums by tenant and model, of one tenant or all. */
    static List<UsageTotal> totals(Handle handle, @Nullable String tenantId) {
        return handle.createQuery("""
                        SELECT tenant_id AS tenant, model, sum(requests)::bigint AS requests,
                            sum(prompt_tokens)::bigint AS prompt_tokens,
                            sum(completion_tokens)::bigint AS completion_tokens
                        FROM usage_rollup WHERE :tenant::text IS NULL OR tenant_id = :tenant
                        GROUP BY 1, 2 ORDER BY 1, 2""")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(UsageTotal.class))
                .list();
    }
}
