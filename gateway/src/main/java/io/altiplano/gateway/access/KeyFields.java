package io.altiplano.gateway.access;

import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.JsonFields;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The fields of bodies about API keys, for the operator's endpoints and the tenants' alike. */
public final class KeyFields {
    /** The longest overlap of a rotated key with its successor. */
    static final Duration MOST_OVERLAP = Duration.ofDays(30);

    private static final int MOST_NAME = 200;

    private KeyFields() {}

    /** {@code name}. */
    public static String name(JsonFields fields) {
        return fields.text("name", MOST_NAME);
    }

    /** {@code scopes}: all of them where none is named. */
    public static Set<KeyScope> scopes(JsonFields fields) {
        if (!fields.has("scopes")) {
            return EnumSet.allOf(KeyScope.class);
        }
        List<String> given = fields.texts("scopes", 40);
        Set<KeyScope> scopes = EnumSet.noneOf(KeyScope.class);
        for (String text : given) {
            scopes.add(KeyScope.of(text).orElseThrow(() -> wrongScopes(fields)));
        }
        if (scopes.isEmpty()) {
            throw wrongScopes(fields);
        }
        return scopes;
    }

    /** {@code expires_at}: seconds of the Unix epoch, later than now; null where it is absent. */
    public static @Nullable Instant expiresAt(JsonFields fields, Instant now) {
        if (!fields.has("expires_at")) {
            return null;
        }
        long seconds = fields.count("expires_at");
        if (seconds <= now.getEpochSecond()
                || seconds > now.plus(Duration.ofDays(36_500)).getEpochSecond()) {
            throw fields.wrong("expires_at", "must be seconds of the Unix epoch, later than now and within 100 years");
        }
        return Instant.ofEpochSecond(seconds);
    }

    /** {@code overlap_seconds}: how long the old key goes on beside the new one. */
    public static Duration overlap(JsonFields fields) {
        long seconds = fields.count("overlap_seconds");
        if (seconds > MOST_OVERLAP.toSeconds()) {
            throw fields.wrong("overlap_seconds", "must be at most " + MOST_OVERLAP.toSeconds());
        }
        return Duration.ofSeconds(seconds);
    }

    private static ApiException wrongScopes(JsonFields fields) {
        return fields.wrong("scopes", "must be some of " + KeyScope.all());
    }
}
