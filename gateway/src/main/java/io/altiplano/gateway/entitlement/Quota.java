package io.altiplano.gateway.entitlement;

import java.util.Locale;

/** What a calendar period of UTC limits. */
public enum Quota {
    /** Tokens read and written in a day. */
    TOKENS_PER_DAY("tokens a day"),
    /** Tokens read and written in a month. */
    TOKENS_PER_MONTH("tokens a month"),
    /** What they cost in a month. */
    BUDGET_PER_MONTH("budget a month");

    private final String words;

    Quota(String words) {
        this.words = words;
    }

    /** As the API and the database write it: {@code tokens_per_day}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** As messages write it. */
    String words() {
        return words;
    }
}
