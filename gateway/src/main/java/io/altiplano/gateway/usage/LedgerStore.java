package io.altiplano.gateway.usage;

import io.altiplano.gateway.price.CostLine;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.result.ResultSetException;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * The ledger in SQL. A batch goes by COPY into temporary tables (unlogged, of this connection alone; COPY refuses tables with
 * row security) and from there into entries, cost lines and rollups.
 *
 * <p>Tables are named without their schema: where a session has temporary tables of the same names, these are written.
 */
final class LedgerStore {
    private static final String STAGING = """
            CREATE TEMPORARY TABLE IF NOT EXISTS entry_staging (job_id uuid, submitted_at timestamptz, tenant_id text,
                project_id text, api_key_id text, model text, adapter text, job_class text, outcome text,
                prompt_tokens bigint, completion_tokens bigint, cached_tokens bigint, attempts int,
                decision_id text, finished_at timestamptz, cost numeric(30, 12)) ON COMMIT DELETE ROWS;
            CREATE TEMPORARY TABLE IF NOT EXISTS cost_staging (job_id uuid, item smallint, tokens bigint,
                price numeric(18, 6), amount numeric(30, 12)) ON COMMIT DELETE ROWS;
            CREATE TEMPORARY TABLE IF NOT EXISTS sum_staging (span smallint, tenant_id text, start_at timestamptz,
                project_id text, api_key_id text, model text, requests bigint, failed bigint, prompt_tokens bigint,
                cached_tokens bigint, completion_tokens bigint, cost numeric(30, 12)) ON COMMIT DELETE ROWS""";

    private static final String ENTRIES = """
            INSERT INTO ledger_entry (job_id, line, submitted_at, tenant_id, project_id, api_key_id, model, adapter,
                job_class, outcome, prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id, finished_at, cost)
            SELECT job_id, 0, submitted_at, tenant_id, project_id, api_key_id, model, adapter,
                job_class, outcome, prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id, finished_at, cost
            FROM entry_staging""";

    /**
     * Posts those that are not there yet and leaves them alone in the staging table.
     *
     * @see #ALL_NEW which is the usual case, and saves a fifth of the work
     */
    private static final String NEW_ALONE = """
            WITH posted AS (%s ON CONFLICT DO NOTHING RETURNING job_id)
            DELETE FROM entry_staging s WHERE NOT EXISTS (SELECT FROM posted p WHERE p.job_id = s.job_id)
            RETURNING s.job_id""".formatted(ENTRIES);

    private static final String COSTS = """
            INSERT INTO cost_line (job_id, line, item, submitted_at, tenant_id, tokens, price, amount)
            SELECT e.job_id, 0, c.item, e.submitted_at, e.tenant_id, c.tokens, c.price, c.amount
            FROM entry_staging e JOIN cost_staging c ON c.job_id = e.job_id""";

    private static final String ROLLUP = """
            INSERT INTO usage_%s AS r (tenant_id, start_at, project_id, api_key_id, model, requests, failed, prompt_tokens,
                cached_tokens, completion_tokens, cost)
            SELECT tenant_id, start_at, project_id, api_key_id, model, requests, failed, prompt_tokens,
                cached_tokens, completion_tokens, cost
            FROM sum_staging WHERE span = %d
            ON CONFLICT (tenant_id, start_at, project_id, api_key_id, model) DO UPDATE SET
                requests = r.requests + excluded.requests, failed = r.failed + excluded.failed,
                prompt_tokens = r.prompt_tokens + excluded.prompt_tokens,
                cached_tokens = r.cached_tokens + excluded.cached_tokens,
                completion_tokens = r.completion_tokens + excluded.completion_tokens, cost = r.cost + excluded.cost""";

    /**
     * What follows from the staged entries once they are posted. Rollups are met last, by span, and within it in the order in
     * which their sums were staged, which is their keys': so that gateways wait for each other as short as may be, and never
     * in a ring.
     */
    private static final String FOLLOWING = COSTS + "; "
            + Arrays.stream(Rollups.Span.values())
                    .map(span -> ROLLUP.formatted(span.text(), span.ordinal()))
                    .collect(Collectors.joining("; "));

    /** All in one round trip; refused as a whole, by the entries' key, where one of them is there already. */
    private static final String ALL_NEW = "SAVEPOINT nothing_posted; " + ENTRIES + "; " + FOLLOWING;

    private static final String UNIQUE_VIOLATION = "23505";

    private LedgerStore() {}

    /**
     * Where the posting of a partition stands.
     *
     * @param offset the next one to post, 0 if none was ever posted
     * @param generation of the scheduler whose records count there; 0 where that is not known
     */
    record Place(long offset, long generation) {}

    /** The next offset to post of a partition, 0 if none was ever posted. */
    static long nextOffset(Handle ledger, String topic, int partition) {
        return place(ledger, topic, partition).offset();
    }

    static Place place(Handle ledger, String topic, int partition) {
        ledger.execute(
                "INSERT INTO ingest_offset (topic, partition, next_offset) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
                topic,
                partition);
        return ledger.createQuery("""
                        SELECT next_offset, CASE WHEN generation_offset = next_offset THEN generation ELSE 0 END AS generation
                        FROM ingest_offset WHERE topic = :topic AND partition = :partition
                        """)
                .bind("topic", topic)
                .bind("partition", partition)
                .map((row, context) -> new Place(row.getLong("next_offset"), row.getLong("generation")))
                .one();
    }

    /** Moves the offset if it is where the batch begins; false if another gateway has moved it. */
    static boolean advance(Handle ledger, Batch batch) {
        return ledger.execute(
                        """
                        UPDATE ingest_offset SET next_offset = ?, generation = ?, generation_offset = ?
                        WHERE topic = ? AND partition = ? AND next_offset = ?
                        """, batch.to(), batch.generation(), batch.to(), batch.topic(), batch.partition(), batch.from())
                == 1;
    }

    /**
     * Posts entries that are not there yet with their cost lines and adds them to the rollups: posting twice is posting once.
     *
     * @param entries each of another job
     * @return the jobs whose entries were there already
     */
    static Set<UUID> post(Handle ledger, List<CostedEntry> entries) {
        if (entries.isEmpty()) {
            return Set.of();
        }
        stage(ledger, entries);
        copy(ledger, Rollups.of(entries), "sum_staging");
        try {
            ledger.execute(ALL_NEW);
            return Set.of();
        } catch (UnableToExecuteStatementException e) {
            if (!isDoubled(e)) {
                throw e;
            }
        }
        ledger.execute("ROLLBACK TO SAVEPOINT nothing_posted");
        Set<UUID> known = ledger.createQuery(NEW_ALONE).mapTo(UUID.class).set();
        ledger.execute("DELETE FROM sum_staging");
        copy(ledger, Rollups.of(CostedEntry.without(known, entries)), "sum_staging");
        ledger.execute(FOLLOWING);
        return known;
    }

    private static boolean isDoubled(Throwable thrown) {
        return thrown.getCause() instanceof SQLException e && UNIQUE_VIOLATION.equals(e.getSQLState());
    }

    /** Brings entries and their costs into the temporary tables, where they stay until the transaction ends. */
    static void stage(Handle ledger, List<CostedEntry> entries) {
        ledger.execute(STAGING);
        CopyRows rows = new CopyRows(entries.size() * 320);
        CopyRows costs = new CopyRows(entries.size() * 256);
        for (CostedEntry costed : entries) {
            LedgerEntry e = costed.entry();
            rows.row(16).uuid(e.jobId()).instant(e.submittedAt());
            rows.text(e.tenantId()).text(e.projectId()).text(e.apiKeyId());
            rows.text(e.model()).text(e.adapter()).text(e.jobClass()).text(e.outcome());
            rows.int8(e.promptTokens()).int8(e.completionTokens()).int8(e.cachedTokens());
            rows.int4(e.attempts()).text(e.decisionId()).instant(e.finishedAt()).numeric(costed.total());
            for (CostLine line : costed.cost().lines()) {
                costs.row(5).uuid(e.jobId()).int2(line.item().number()).int8(line.tokens());
                costs.numeric(line.price()).numeric(line.amount());
            }
        }
        copy(ledger, rows, "entry_staging");
        copy(ledger, costs, "cost_staging");
    }

    /** Sends rows to a table, if there are any. */
    static void copy(Handle handle, CopyRows rows, String table) {
        if (rows.isEmpty()) {
            return;
        }
        ByteBuffer bytes = rows.ended();
        try {
            CopyIn copy = handle.getConnection()
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn("COPY " + table + " FROM STDIN (FORMAT binary)");
            try {
                copy.writeToCopy(bytes.array(), 0, bytes.limit());
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
