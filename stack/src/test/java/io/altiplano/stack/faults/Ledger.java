package io.altiplano.stack.faults;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;

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

    /** Tokens read and written that a tenant is billed. */
    static long billed(Connection database, String tenant) throws SQLException {
        try (var query = database.prepareStatement(
                "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM ledger_entry WHERE tenant_id = ?")) {
            query.setString(1, tenant);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getLong(1);
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
