package io.altiplano.gateway.licence;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * When the platform wants an accepted attestation repeated. No licence asks for that: it is the platform's own policy.
 *
 * @param licence the licence version that was attested for
 * @param due when it is due again
 * @param refusedFrom the first instant at which work is refused without a new one; null: never
 */
public record Reattestation(
        String licence, Instant due, @Nullable Instant refusedFrom) {
    /** The code of the refusal. */
    public static final String CODE = "policy_reattestation_overdue";

    /** Whether work is refused at an instant. */
    public boolean refuses(Instant at) {
        return refusedFrom != null && !at.isBefore(refusedFrom);
    }

    /** What it asks for, labelled as the platform's. */
    public String text() {
        return PlatformTerms.LABEL + "the monthly active users for " + licence + " are to be attested again by " + due
                + (refusedFrom == null ? "." : "; from " + refusedFrom + " on work is refused without it.");
    }

    PlatformTerms.Refusal refusal() {
        return new PlatformTerms.Refusal(
                CODE,
                PlatformTerms.LABEL + "the attestation for " + licence + " was to be repeated by " + due
                        + ", and the grace ended at " + refusedFrom
                        + "; attest the monthly active users again (POST /v1/organization/attestations).");
    }
}
