package io.altiplano.licensing;

import java.time.Instant;
import java.time.YearMonth;
import java.util.List;

/**
 * What a legal entity has declared, and the platform has accepted, for one licence version. The latest one that an entity made
 * for the licence's measured month counts; an attestation made after the instant asked about does not exist yet.
 *
 * @param entity who declares: the licensee's id, or that of another entity of its group (whose figure then counts too)
 * @param licence id of the licence version
 * @param month the calendar month measured
 * @param figures every product and affiliate; may be empty, for an entity that had none
 * @param signedBy the person who signed
 * @param at when it was made
 */
public record Attestation(
        String entity, String licence, YearMonth month, List<Figure> figures, String signedBy, Instant at) {
    /** Copies the list. */
    public Attestation {
        Checks.text("attesting entity", entity);
        Checks.text("attestation's licence", licence);
        Checks.text("attestation's signatory", signedBy);
        figures = List.copyOf(figures);
    }

    /** All users together; {@link Long#MAX_VALUE} where the sum is larger than a {@code long}, so that it never passes. */
    public long monthlyActiveUsers() {
        long sum = 0;
        for (Figure figure : figures) {
            try {
                sum = Math.addExact(sum, figure.monthlyActiveUsers());
            } catch (ArithmeticException overflow) {
                return Long.MAX_VALUE;
            }
        }
        return sum;
    }
}
