package io.altiplano.gateway.tenant;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a member, or a caller with an API key, may do inside its tenant. Each may what those before it may. */
public enum Role {
    /** Looks, and changes or spends nothing. */
    VIEWER,
    /** Runs jobs and manages API keys. */
    DEVELOPER,
    /** Manages all that is the tenant's own. */
    OWNER;

    /** As the API writes it: {@code developer}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The role that the API means. */
    public static Optional<Role> of(String text) {
        return Arrays.stream(values()).filter(r -> r.text().equals(text)).findFirst();
    }

    /** All roles as the API writes them. */
    public static String all() {
        return Arrays.stream(values()).map(Role::text).collect(Collectors.joining(", "));
    }
}
