package io.altiplano.stack.faults;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;

/** The hard limit of a tenant that soon has had enough: every other seed's has a quota of tokens, the others' a budget. */
enum Narrow {
    TOKENS("tokens", "tokens_per_day", new BigDecimal(2_500), "prompt_tokens + completion_tokens"),
    MONEY("US dollars", "budget_per_month", new BigDecimal("0.0010"), "cost");

    private final String unit;
    private final String limit;
    private final BigDecimal allowed;
    private final String billed;

    Narrow(String unit, String limit, BigDecimal allowed, String billed) {
        this.unit = unit;
        this.limit = limit;
        this.allowed = allowed;
        this.billed = billed;
    }

    /** As the limits' JSON has it: money is text. */
    Map<String, Object> setting() {
        Object most = this == MONEY ? allowed.toPlainString() : allowed.longValueExact();
        return Map.of(limit, most);
    }

    /** What a tenant of this limit was billed, beside the limit. */
    Evidence.Quota quota(Connection database, String tenant) throws SQLException {
        return new Evidence.Quota(unit, Ledger.billed(database, tenant, billed), allowed);
    }
}
