package io.altiplano.gateway.access;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What an API key is for. None of them changes anything of the tenant's: that is its people's to do. */
public enum KeyScope {
    /** Runs jobs. */
    INFERENCE,
    /** Sees which models there are. */
    MODELS_READ,
    /** Sees what the tenant used. */
    USAGE_READ;

    /** As the API writes it: {@code models.read}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '.');
    }

    /** The scope that the API means. */
    public static Optional<KeyScope> of(String text) {
        return Arrays.stream(values()).filter(s -> s.text().equals(text)).findFirst();
    }

    /** All scopes as the API writes them. */
    public static String all() {
        return Arrays.stream(values()).map(KeyScope::text).collect(Collectors.joining(", "));
    }
}
