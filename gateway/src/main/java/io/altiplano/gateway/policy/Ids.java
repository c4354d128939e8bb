package io.altiplano.gateway.policy;

import io.altiplano.gateway.web.Cursor;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Ids of this package: a prefix and 32 hex digits. */
final class Ids {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{32}");

    private Ids() {}

    /** The id, or one that nothing has where it cannot be one: both are answered alike, and no other text reaches a query. */
    static String known(String prefix, String given) {
        return is(prefix, given) ? given : prefix;
    }

    /** Refuses an {@code after} that cannot be an id. */
    static void requireOptional(String prefix, @Nullable String after) {
        if (after != null && !is(prefix, after)) {
            throw Cursor.unknownAfter();
        }
    }

    private static boolean is(String prefix, String given) {
        return given.startsWith(prefix)
                && HEX.matcher(given.substring(prefix.length())).matches();
    }
}
