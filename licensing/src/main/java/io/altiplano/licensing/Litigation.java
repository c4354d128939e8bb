package io.altiplano.licensing;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;

/**
 * A claim that the licensee filed, that a licence's materials or their outputs infringe its rights.
 *
 * @param licence id of the licence version whose materials the claim is about
 * @param filedOn the filing date; the licence ends at the beginning of that day in UTC
 * @param reference court and number
 */
public record Litigation(String licence, LocalDate filedOn, String reference) {
    /** Refuses blank texts. */
    public Litigation {
        Checks.text("litigation's licence", licence);
        Checks.text("litigation's reference", reference);
    }

    /** The instant at which the licence ends. */
    public Instant from() {
        return filedOn.atStartOfDay(ZoneOffset.UTC).toInstant();
    }
}
