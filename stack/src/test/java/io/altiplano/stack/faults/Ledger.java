package io.altiplano.stack.faults;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The usage tables as whoever owns the server reads them. */
final class Ledger {
    private Ledger() {}

    /** The entries of these jobs, in the order of job and line. */
    static List<Evidence.Entry> of(Connection database, Set<String> jobs) throws SQLException {
        List<Evidence.Entry> entries = new ArrayList<>();
        try (var query = database.prepareStatement("""
                SELECT job_id, line, tenant_id, outcome, prompt_tokens, completion_tokens
                FROM ledger_entry WHERE job_id = ANY (?) ORDER BY job_id, line""")) {
            query.setArray(1, database.createArrayOf("uuid", jobs.toArray()));
            try (ResultSet rows = query.executeQuery()) {
                while (rows.next()) {
                    entries.add(new Evidence.Entry(
                            rows.getObject(1, UUID.class),
                            rows.getInt(2),
                            rows.getString(3),
                            rows.getString(4),
                            rows.getLong(5),
                            rows.getLong(6)));
                }
            }
        }
        return entries;
    }

    /** Jobs that have entries and were never submitted. */
    static List<String> strangers(Connection database, Set<String> submitted) throws SQLException {
        List<String> strangers = new ArrayList<>();
        try (var query = database.prepareStatement(
                "SELECT DISTINCT job_id::text FROM ledger_entry WHERE NOT job_id = ANY (?)")) {
            query.setArray(1, database.createArrayOf("uuid", submitted.toArray()));
            try (ResultSet rows = query.executeQuery()) {
                while (rows.next()) {
                    strangers.add("job " + rows.getString(1) + " is billed and was never submitted");
                }
            }
        }
        return strangers;
    }

    /**
     * What a tenant is billed.
     *
     * @param what of an entry: its tokens or its cost, in SQL
     */
    static BigDecimal billed(Connection database, String tenant, String what) throws SQLException {
        try (var query = database.prepareStatement(
                "SELECT coalesce(sum(" + what + "), 0) FROM ledger_entry WHERE tenant_id = ?")) {
            query.setString(1, tenant);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getBigDecimal(1);
            }
        }
    }

    /** Every byte of ledger, cost lines and rollups, as one hash. */
    static String digest(Connection database) throws SQLException {
        StringBuilder all = new StringBuilder();
        for (String table : List.of("ledger_entry", "cost_line", "usage_hour", "usage_day", "usage_month")) {
            try (var statement = database.createStatement();
                    ResultSet row = statement.executeQuery(
                            "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '') FROM "
                                    + table + " t")) {
                row.next();
                all.append(table).append(' ').append(row.getString(1)).append("; ");
            }
        }
        return all.toString();
    }

    /** Every byte of the entries and their cost lines, but for one job's, as one hash. */
    static String lines(Connection database, @Nullable String except) throws SQLException {
        StringBuilder all = new StringBuilder();
        for (String table : List.of("ledger_entry", "cost_line")) {
            try (var query = database.prepareStatement(
                    "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '') FROM "
                            + table + " t WHERE job_id IS DISTINCT FROM ?::uuid")) {
                query.setString(1, except);
                try (ResultSet row = query.executeQuery()) {
                    row.next();
                    all.append(table).append(' ').append(row.getString(1)).append("; ");
                }
            }
        }
        return all.toString();
    }

    /** What does not follow from the entries: cost lines that are not their costs, rollups that are not their sums. */
    static List<String> skewed(Connection database) throws SQLException {
        List<String> skewed = new ArrayList<>();
        for (String span : List.of("hour", "day", "month")) {
            count(
                    database,
                    """
                    WITH posted AS (SELECT tenant_id, start_at, project_id, api_key_id, model, requests, failed,
                            prompt_tokens, cached_tokens, completion_tokens, cost FROM usage_%1$s),
                        summed AS (SELECT tenant_id, date_trunc('%1$s', submitted_at, 'UTC'), project_id, api_key_id, model,
                            count(*) FILTER (WHERE outcome <> 'FAILED'), count(*) FILTER (WHERE outcome = 'FAILED'),
                            sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
                            FROM ledger_entry GROUP BY 1, 2, 3, 4, 5)
                    SELECT count(*) FROM ((TABLE posted EXCEPT TABLE summed) UNION ALL (TABLE summed EXCEPT TABLE posted)) t
                    """.formatted(span),
                    "rows of usage_" + span + " are not the sums of entries, or the other way round",
                    skewed);
        }
        count(database, """
                SELECT count(*) FROM ledger_entry e
                FULL JOIN (SELECT job_id, line, sum(amount) AS cost FROM cost_line GROUP BY 1, 2) c USING (job_id, line)
                WHERE coalesce(e.cost, -1) <> coalesce(c.cost, 0)
                """, "entries have cost lines of another sum, or the other way round", skewed);
        return skewed;
    }

    /** What would not follow after a statement, which leaves nothing behind. */
    static List<String> skewedBy(Connection database, String damage) throws SQLException {
        database.setAutoCommit(false);
        try (var statement = database.createStatement()) {
            // Without the triggers that keep these tables as they are.
            statement.execute("SET LOCAL session_replication_role = replica");
            statement.execute(damage);
            return skewed(database);
        } finally {
            database.rollback();
            database.setAutoCommit(true);
        }
    }

    private static void count(Connection database, String query, String what, List<String> into) throws SQLException {
        try (var statement = database.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            if (row.getLong(1) != 0) {
                into.add(row.getLong(1) + " " + what);
            }
        }
    }

    /** Has the gateways post the pool's partition of {@code jobs} again, the one that holds all but a few records. */
    static void fromTheBeginning(Connection database) throws SQLException {
        try (var statement = database.createStatement()) {
            statement.executeUpdate("UPDATE ingest_offset SET next_offset = 0"
                    + " WHERE next_offset = (SELECT max(next_offset) FROM ingest_offset)");
        }
    }

    /** The next offset to post of the pool's partition. */
    static long posted(Connection database) throws SQLException {
        try (var statement = database.createStatement();
                ResultSet row = statement.executeQuery("SELECT coalesce(max(next_offset), 0) FROM ingest_offset")) {
            row.next();
            return row.getLong(1);
        }
    }
}
