package io.altiplano.gateway.usage;

import java.math.BigDecimal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A sum of the ledger.
 *
 * @param tenant whose
 * @param project null where projects are summed up, as are the next three
 * @param apiKey id; empty for callers that were no key
 * @param model catalog id
 * @param startAt of the hour or day, UTC
 * @param requests jobs that succeeded or were cancelled
 * @param failed jobs that failed, which are not billed
 * @param promptTokens tokens read
 * @param cachedTokens of these, those from the prefix cache
 * @param completionTokens tokens written
 * @param cost US dollars
 */
public record UsageRow(
        String tenant,
        @Nullable String project,
        @Nullable String apiKey,
        @Nullable String model,
        @Nullable Instant startAt,
        long requests,
        long failed,
        long promptTokens,
        long cachedTokens,
        long completionTokens,
        BigDecimal cost) {}
