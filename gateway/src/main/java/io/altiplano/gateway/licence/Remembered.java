package io.altiplano.gateway.licence;

import io.altiplano.licensing.Decision;
import io.altiplano.licensing.Reason;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A recorded decision and what it rests on.
 *
 * @param refusal the platform's own, apart from the licence
 * @param holdsUntil the instant at which the passing of time alone may change it
 * @param epoch for which it is known to hold
 * @param notedAt when the right was last looked up as noted, by {@code System.nanoTime()}
 */
record Remembered(
        DecisionInputs inputs,
        Decision decision,
        PlatformTerms.@Nullable Refusal refusal,
        Instant holdsUntil,
        String decisionId,
        long epoch,
        long notedAt) {

    boolean permits() {
        return decision instanceof Decision.Permit && refusal == null;
    }

    /** Whether these inputs, at their time, are the ones that were decided on. */
    boolean restsOn(DecisionInputs now) {
        return inputs.licensee().equals(now.licensee())
                && inputs.platform().equals(now.platform())
                && inputs.lineage().equals(now.lineage())
                && now.at().isBefore(holdsUntil);
    }

    /** What the caller hears. */
    LicenceVerdict verdict(long confirmedEpoch, long confirmedAt) {
        PlatformTerms.Refusal policy = refusal;
        // A suspended tenant hears that first; else the licence goes before what the platform sells.
        if (policy != null && (inputs.platform().suspended() || decision instanceof Decision.Permit)) {
            return new LicenceVerdict.Refused(policy.code(), policy.message() + " Decision: " + decisionId + ".");
        }
        return switch (decision) {
            case Decision.Permit permit -> new LicenceVerdict.Permitted(decisionId, confirmedEpoch, confirmedAt);
            case Decision.Deny deny -> {
                Reason first = deny.first();
                String others = deny.reasons().size() == 1
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                " (%d more reasons are in the decision.)",
                                deny.reasons().size() - 1);
                yield new LicenceVerdict.Refused(
                        first.code().code(),
                        first.message() + " " + first.remedy() + others + " Decision: " + decisionId + ".");
            }
        };
    }
}
