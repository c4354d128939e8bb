package io.altiplano.gateway.usage;

import io.altiplano.gateway.price.CostLine;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.result.ResultSetException;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * The ledger in SQL. A batch goes by COPY into temporary tables (unlogged, of this connection alone; COPY refuses tables with
 * row security) and from there in one statement into entries, cost lines and rollups.
 *
 * <p>Tables are named without their schema: where a session has temporary tables of the same names, these are written.
 */
final class LedgerStore {
    private static final List<String> STAGING = List.of("""
                    CREATE TEMPORARY TABLE IF NOT EXISTS entry_staging (job_id uuid, submitted_at timestamptz, tenant_id text,
                        project_id text, api_key_id text, model text, adapter text, job_class text, outcome text,
                        prompt_tokens bigint, completion_tokens bigint, cached_tokens bigint, attempts int,
                        decision_id text, finished_at timestamptz, cost numeric(30, 12)) ON COMMIT DELETE ROWS""", """
                    CREATE TEMPORARY TABLE IF NOT EXISTS cost_staging (job_id uuid, item smallint, tokens bigint,
                        price numeric(18, 6), amount numeric(30, 12)) ON COMMIT DELETE ROWS""");

    /**
     * Entries that are there already are left alone, and only new ones have their costs written and reach the rollups:
     * posting twice is posting once. Rollups are met in their keys' order, so that gateways wait for each other and never in
     * a ring.
     */
    private static final String POST = """
            WITH posted AS (
                INSERT INTO ledger_entry (job_id, line, submitted_at, tenant_id, project_id, api_key_id, model, adapter,
                    job_class, outcome, prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id, finished_at, cost)
                SELECT job_id, 0, submitted_at, tenant_id, project_id, api_key_id, model, adapter,
                    job_class, outcome, prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id, finished_at, cost
                FROM entry_staging
                ON CONFLICT DO NOTHING
                RETURNING job_id, submitted_at, tenant_id, project_id, api_key_id, model, outcome, prompt_tokens,
                    completion_tokens, cached_tokens, cost),
            costs AS (
                INSERT INTO cost_line (job_id, line, item, submitted_at, tenant_id, tokens, price, amount)
                SELECT p.job_id, 0, c.item, p.submitted_at, p.tenant_id, c.tokens, c.price, c.amount
                FROM posted p JOIN cost_staging c ON c.job_id = p.job_id),
            hours AS (
                SELECT tenant_id, date_trunc('hour', submitted_at, 'UTC') AS start_at, project_id, api_key_id, model,
                    count(*) FILTER (WHERE outcome <> 'FAILED') AS requests,
                    count(*) FILTER (WHERE outcome = 'FAILED') AS failed,
                    sum(prompt_tokens) AS prompt_tokens, sum(cached_tokens) AS cached_tokens,
                    sum(completion_tokens) AS completion_tokens, sum(cost) AS cost
                FROM posted GROUP BY 1, 2, 3, 4, 5),
            by_hour AS (
                INSERT INTO usage_hour AS r (tenant_id, start_at, project_id, api_key_id, model, requests, failed,
                    prompt_tokens, cached_tokens, completion_tokens, cost)
                SELECT * FROM hours ORDER BY 1, 2, 3, 4, 5
                ON CONFLICT (tenant_id, start_at, project_id, api_key_id, model) DO UPDATE SET %1$s),
            by_day AS (
                INSERT INTO usage_day AS r (tenant_id, start_at, project_id, api_key_id, model, requests, failed,
                    prompt_tokens, cached_tokens, completion_tokens, cost)
                SELECT tenant_id, date_trunc('day', start_at, 'UTC'), project_id, api_key_id, model, sum(requests),
                    sum(failed), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
                FROM hours GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
                ON CONFLICT (tenant_id, start_at, project_id, api_key_id, model) DO UPDATE SET %1$s)
            SELECT job_id FROM posted""".formatted("""
                requests = r.requests + excluded.requests, failed = r.failed + excluded.failed,
                prompt_tokens = r.prompt_tokens + excluded.prompt_tokens,
                cached_tokens = r.cached_tokens + excluded.cached_tokens,
                completion_tokens = r.completion_tokens + excluded.completion_tokens, cost = r.cost + excluded.cost""");

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

    /**
     * Posts entries that are not there yet with their cost lines and adds them to the rollups.
     *
     * @param entries each of another job
     * @return the jobs whose entries were not there
     */
    static Set<UUID> post(Handle ledger, List<CostedEntry> entries) {
        if (entries.isEmpty()) {
            return Set.of();
        }
        stage(ledger, entries);
        return ledger.createQuery(POST).mapTo(UUID.class).set();
    }

    /** Brings entries and their costs into the temporary tables, where they stay until the transaction ends. */
    static void stage(Handle ledger, List<CostedEntry> entries) {
        STAGING.forEach(ledger::execute);
        StringBuilder rows = new StringBuilder(entries.size() * 200);
        StringBuilder costs = new StringBuilder(entries.size() * 200);
        for (CostedEntry entry : entries) {
            row(rows, entry);
            for (CostLine line : entry.cost().lines()) {
                costs.append(entry.entry().jobId());
                costs.append('\t').append(line.item().number());
                costs.append('\t').append(line.tokens());
                costs.append('\t').append(line.price().toPlainString());
                costs.append('\t').append(line.amount().toPlainString()).append('\n');
            }
        }
        copy(ledger, "COPY entry_staging FROM STDIN", rows);
        copy(ledger, "COPY cost_staging FROM STDIN", costs);
    }

    /** An entry as a line of COPY's text format, in the order of the staging table's columns. */
    static void row(StringBuilder out, CostedEntry costed) {
        LedgerEntry e = costed.entry();
        out.append(e.jobId());
        out.append('\t').append(e.submittedAt());
        text(out, e.tenantId());
        text(out, e.projectId());
        text(out, e.apiKeyId());
        text(out, e.model());
        text(out, e.adapter());
        text(out, e.jobClass());
        text(out, e.outcome());
        out.append('\t').append(e.promptTokens());
        out.append('\t').append(e.completionTokens());
        out.append('\t').append(e.cachedTokens());
        out.append('\t').append(e.attempts());
        text(out, e.decisionId());
        out.append('\t').append(e.finishedAt());
        out.append('\t').append(costed.cost().total().toPlainString()).append('\n');
    }

    /** A tab and a text, with what COPY would take for something else escaped. */
    private static void text(StringBuilder out, String text) {
        out.append('\t');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\\' -> out.append("\\\\");
                case '\t' -> out.append("\\t");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                default -> out.append(c);
            }
        }
    }

    /** Sends rows by COPY. */
    static void copy(Handle ledger, String sql, StringBuilder rows) {
        if (rows.isEmpty()) {
            return;
        }
        byte[] bytes = rows.toString().getBytes(StandardCharsets.UTF_8);
        try {
            CopyIn copy = ledger.getConnection()
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn(sql);
            try {
                copy.writeToCopy(bytes, 0, bytes.length);
                copy.endCopy();
            } finally {
                if (copy.isActive()) {
                    copy.cancelCopy();
                }
            }
        } catch (SQLException e) {
            throw new ResultSetException("COPY was refused", e, null);
        }
    }

    /** Makes a month's partitions where they are missing. */
    static void ensurePartition(Handle ledger, Instant at) {
        ledger.createQuery("SELECT ensure_ledger_partition(:at)")
                .bind("at", at.atOffset(ZoneOffset.UTC))
                .mapTo(String.class)
                .one();
    }

    static void bury(Handle ledger, Batch batch) {
        for (DeadLetter letter : batch.dead()) {
            ledger.execute("""
                    INSERT INTO dead_letter (topic, partition, record_offset, reason) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING""", batch.topic(), batch.partition(), letter.offset(), letter.reason());
        }
    }
}
