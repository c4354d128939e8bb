package io.altiplano.licensing;

import java.util.regex.Pattern;

/** Checks of single values, for compact constructors. */
final class Checks {
    private static final Pattern COUNTRY = Pattern.compile("[A-Z]{2}");

    private Checks() {}

    /** Refuses a blank text. */
    static void text(String what, String value) {
        if (value.isBlank()) {
            throw new IllegalArgumentException(what + " is blank");
        }
    }

    /** Refuses what is not two capital letters. */
    static void country(String what, String value) {
        if (!COUNTRY.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    what + " \"" + value + "\" is not an ISO 3166-1 alpha-2 code, such as CL");
        }
    }
}
