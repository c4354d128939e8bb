package io.altiplano.licensing;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where a grant holds.
 *
 * @param worldwide whether it holds everywhere; then no countries are listed
 * @param countries ISO 3166-1 alpha-2 codes
 */
public record Territory(boolean worldwide, Set<String> countries) {
    /** Copies the set; refuses a territory that is both worldwide and listed, or neither. */
    public Territory {
        countries = Set.copyOf(countries);
        countries.forEach(code -> Checks.country("territory", code));
        if (worldwide != countries.isEmpty()) {
            throw new IllegalArgumentException("a territory is either worldwide or a list of countries, not worldwide="
                    + worldwide + " with " + countries.size() + " countries");
        }
    }

    /** Everywhere. */
    public static Territory everywhere() {
        return new Territory(true, Set.of());
    }

    /** Some countries. */
    public static Territory of(String... countries) {
        return new Territory(false, Set.of(countries));
    }

    /** Whether a country is inside; an unknown one is inside only if all are. */
    public boolean contains(@Nullable String country) {
        return worldwide || (country != null && countries.contains(country));
    }
}
