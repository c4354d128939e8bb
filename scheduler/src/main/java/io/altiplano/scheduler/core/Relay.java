package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.Usage;

/**
 * A gateway's answer to Retrying, without the tokens: those are fetched by pointer.
 *
 * @param epoch the next attempt's
 * @param at where in {@code submissions} it stands
 * @param tokens how many were relayed
 * @param complete the gateway holds the whole answer
 * @param usage its counts, if complete
 * @param finishReason its reason, if complete
 */
public record Relay(int epoch, LogPointer at, int tokens, boolean complete, Usage usage, String finishReason) {}
