package io.altiplano.licensing;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The European Union by ISO 3166-1 alpha-2 codes: its 27 member states, and those of their territories that have codes of their
 * own and belong to the Union (Treaty on the Functioning of the European Union, articles 349 and 355).
 */
final class EuropeanUnion {
    private static final Set<String> MEMBERS = Set.of(
            "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
            "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK");
    private static final Set<String> TERRITORIES = Set.of("AX", "GF", "GP", "MF", "MQ", "RE", "YT");

    private EuropeanUnion() {}

    static boolean contains(@Nullable String country) {
        return country != null && (MEMBERS.contains(country) || TERRITORIES.contains(country));
    }
}
