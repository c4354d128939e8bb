package io.altiplano.gateway.licence;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A decision as it was recorded; inputs, verdict and policy are JSON.
 *
 * @param use as the licence engine names it
 * @param permitted by licence and platform together
 * @param policy the platform's own refusal; null where it had none
 * @param epoch the licence epoch under which it was taken
 * @param decidedAt by the database's clock
 */
record DecisionRecord(
        UUID id,
        String tenantId,
        String model,
        String licence,
        String use,
        boolean permitted,
        String inputs,
        String verdict,
        @Nullable String policy,
        long epoch,
        Instant decidedAt) {}
