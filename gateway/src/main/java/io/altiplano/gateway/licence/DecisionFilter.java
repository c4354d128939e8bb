package io.altiplano.gateway.licence;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Which decisions are wanted; null: any. {@code since}: this instant or later. */
record DecisionFilter(
        @Nullable String tenant,
        @Nullable String model,
        @Nullable Boolean permitted,
        @Nullable Instant since) {}
