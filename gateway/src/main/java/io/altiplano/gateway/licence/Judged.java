package io.altiplano.gateway.licence;

import io.altiplano.licensing.Decision;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An answer on its way into the record.
 *
 * @param refusal the platform's own, apart from the licence
 * @param recordedAs id of the record that holds it already: its inputs are what they were
 */
record Judged(
        DecisionInputs inputs,
        Decision decision,
        PlatformTerms.@Nullable Refusal refusal,
        @Nullable String recordedAs) {

    boolean permits() {
        return decision instanceof Decision.Permit && refusal == null;
    }

    /** The instant at which the passing of time alone may change it. */
    Instant holdsUntil() {
        Instant licence = decision.holdsUntil();
        Instant platform = inputs.platform().holdsUntil(inputs.at());
        return platform.isBefore(licence) ? platform : licence;
    }

    Remembered remembered(String id, long epoch, long notedAt) {
        return new Remembered(inputs, decision, refusal, holdsUntil(), id, epoch, notedAt);
    }
}
