package io.altiplano.licensing;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The end of a licence for a licensee, by the licensor or by the platform on the licensor's behalf.
 *
 * @param licence id of the licence version
 * @param at when it ends
 * @param cause why
 * @param reinstatedAt when it was given back, or null
 */
public record Termination(
        String licence, Instant at, String cause, @Nullable Instant reinstatedAt) {
    /** Refuses blank texts and a reinstatement before the end. */
    public Termination {
        Checks.text("terminated licence", licence);
        Checks.text("termination's cause", cause);
        if (reinstatedAt != null && reinstatedAt.isBefore(at)) {
            throw new IllegalArgumentException("licence " + licence + " is reinstated before it is terminated");
        }
    }

    /** Whether the licence is ended at an instant. */
    public boolean holds(Instant instant) {
        return !instant.isBefore(at) && (reinstatedAt == null || instant.isBefore(reinstatedAt));
    }
}
