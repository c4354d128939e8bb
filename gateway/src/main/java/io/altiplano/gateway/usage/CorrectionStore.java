package io.altiplano.gateway.usage;

import io.altiplano.gateway.price.CostLine;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** Corrections in SQL. Tables are named without their schema, as in {@link LedgerStore}. */
final class CorrectionStore {
    private CorrectionStore() {}

    /** A job's entry with what it is billed for by now, and the last line under which it stands. */
    record Billed(LedgerEntry entry, int lastLine) {}

    /** What a job is billed for, held against other corrections until the transaction ends. */
    static Optional<Billed> billed(Handle operator, String tenant, UUID job, Instant submittedAt) {
        operator.createQuery("SELECT pg_advisory_xact_lock(hashtext(:job))::text")
                .bind("job", "correction of " + job)
                .mapTo(String.class)
                .one();
        return operator.createQuery("""
                        SELECT e.*, s.prompt, s.completion, s.cached, s.last_line
                        FROM ledger_entry e, LATERAL (
                            SELECT sum(prompt_tokens)::bigint AS prompt, sum(completion_tokens)::bigint AS completion,
                                sum(cached_tokens)::bigint AS cached, max(line) AS last_line
                            FROM ledger_entry l WHERE l.job_id = e.job_id AND l.submitted_at = e.submitted_at) s
                        WHERE e.job_id = :job AND e.line = 0 AND e.submitted_at = :at AND e.tenant_id = :tenant""")
                .bind("job", job)
                .bind("at", submittedAt.atOffset(ZoneOffset.UTC))
                .bind("tenant", tenant)
                .map((rs, ctx) -> new Billed(
                        entry(rs).counting(rs.getLong("prompt"), rs.getLong("completion"), rs.getLong("cached")),
                        rs.getInt("last_line")))
                .findOne();
    }

    /** All corrections, in the order of their jobs and lines. */
    static List<Correction> all(Handle handle) {
        return handle
                .createQuery("SELECT * FROM public.ledger_entry WHERE line > 0 ORDER BY job_id, line")
                .map((rs, ctx) -> new Correction(rs.getInt("line"), entry(rs), List.of()))
                .list()
                .stream()
                .map(c -> new Correction(c.line(), c.entry(), lines(handle, c)))
                .toList();
    }

    private static List<CostLine> lines(Handle handle, Correction of) {
        return handle.createQuery("SELECT * FROM public.cost_line WHERE job_id = :job AND line = :line"
                        + " AND submitted_at = :at ORDER BY item")
                .bind("job", of.entry().jobId())
                .bind("line", of.line())
                .bind("at", of.entry().submittedAt().atOffset(ZoneOffset.UTC))
                .map((rs, ctx) -> new CostLine(
                        Correction.item(rs.getInt("item")),
                        rs.getLong("tokens"),
                        rs.getBigDecimal("price"),
                        rs.getBigDecimal("amount")))
                .list();
    }

    /** Writes a correction with its cost lines and adds it to the rollups. */
    static void insert(Handle handle, Correction correction) {
        LedgerEntry e = correction.entry();
        handle.createUpdate("""
                        INSERT INTO ledger_entry (job_id, line, submitted_at, tenant_id, project_id, api_key_id, model, adapter,
                            job_class, outcome, prompt_tokens, completion_tokens, cached_tokens, attempts, decision_id,
                            finished_at, cost)
                        VALUES (:jobId, :line, :at, :tenantId, :projectId, :apiKeyId, :model, :adapter, :jobClass, :outcome,
                            :promptTokens, :completionTokens, :cachedTokens, :attempts, :decisionId, :finished, :cost)""")
                .bindMethods(e)
                .bind("line", correction.line())
                .bind("at", e.submittedAt().atOffset(ZoneOffset.UTC))
                .bind("finished", e.finishedAt().atOffset(ZoneOffset.UTC))
                .bind("cost", correction.cost())
                .execute();
        for (CostLine line : correction.lines()) {
            handle.execute(
                    "INSERT INTO cost_line (job_id, line, item, submitted_at, tenant_id, tokens, price, amount)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    e.jobId(),
                    correction.line(),
                    line.item().number(),
                    e.submittedAt().atOffset(ZoneOffset.UTC),
                    e.tenantId(),
                    line.tokens(),
                    line.price(),
                    line.amount());
        }
        for (Rollups.Span span : Rollups.Span.values()) {
            handle.createUpdate("""
                            INSERT INTO usage_%1$s AS r (tenant_id, start_at, project_id, api_key_id, model, requests, failed,
                                prompt_tokens, cached_tokens, completion_tokens, cost)
                            VALUES (:tenantId, date_trunc('%1$s', :at::timestamptz, 'UTC'), :projectId, :apiKeyId, :model, 0, 0,
                                :promptTokens, :cachedTokens, :completionTokens, :cost)
                            ON CONFLICT (tenant_id, start_at, project_id, api_key_id, model) DO UPDATE SET
                                prompt_tokens = r.prompt_tokens + excluded.prompt_tokens,
                                cached_tokens = r.cached_tokens + excluded.cached_tokens,
                                completion_tokens = r.completion_tokens + excluded.completion_tokens,
                                cost = r.cost + excluded.cost""".formatted(span.text()))
                    .bindMethods(e)
                    .bind("at", e.submittedAt().atOffset(ZoneOffset.UTC))
                    .bind("cost", correction.cost())
                    .execute();
        }
    }

    private static LedgerEntry entry(ResultSet rs) throws SQLException {
        return new LedgerEntry(
                rs.getObject("job_id", UUID.class),
                rs.getTimestamp("submitted_at").toInstant(),
                rs.getString("tenant_id"),
                rs.getString("project_id"),
                rs.getString("api_key_id"),
                rs.getString("model"),
                rs.getString("adapter"),
                rs.getString("job_class"),
                rs.getString("outcome"),
                rs.getLong("prompt_tokens"),
                rs.getLong("completion_tokens"),
                rs.getLong("cached_tokens"),
                rs.getInt("attempts"),
                rs.getString("decision_id"),
                rs.getTimestamp("finished_at").toInstant());
    }
}
