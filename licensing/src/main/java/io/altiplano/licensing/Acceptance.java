package io.altiplano.licensing;

import java.time.Instant;

/**
 * A licensee's acceptance of a licence version with its acceptable use policy.
 *
 * @param licence id of the licence version
 * @param by the person who accepted
 * @param at when
 */
public record Acceptance(String licence, String by, Instant at) {
    /** Refuses blank texts. */
    public Acceptance {
        Checks.text("accepted licence", licence);
        Checks.text("accepting person", by);
    }
}
