package io.altiplano.gateway.usage;

import java.util.Locale;

/** A table that the log and the price book determine, byte for byte. */
enum LedgerTable {
    LEDGER_ENTRY("t", "job_id, line, submitted_at"),
    COST_LINE("t", "job_id, line, item, submitted_at"),
    USAGE_HOUR("t", "tenant_id, start_at, project_id, api_key_id, model"),
    USAGE_DAY("t", "tenant_id, start_at, project_id, api_key_id, model"),
    USAGE_MONTH("t", "tenant_id, start_at, project_id, api_key_id, model"),
    /** But for when it was buried. */
    DEAD_LETTER("(topic, partition, record_offset, reason)", "topic, partition, record_offset"),
    /** But for the generation, which a gateway of before it was kept, or whoever set the offset back, left as it was. */
    INGEST_OFFSET("(topic, partition, next_offset)", "topic, partition");

    private final String row;
    private final String order;

    LedgerTable(String row, String order) {
        this.row = row;
        this.order = order;
    }

    String table() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** A query for all its rows as text in the order of their keys; {@code schema} is "public" or "pg_temp". */
    String rows(String schema) {
        String topic = this == DEAD_LETTER || this == INGEST_OFFSET ? " WHERE topic = :topic" : "";
        return "SELECT (" + row + ")::text FROM " + schema + "." + table() + " AS t" + topic + " ORDER BY " + order;
    }
}
