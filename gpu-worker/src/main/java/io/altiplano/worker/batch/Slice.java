package io.altiplano.worker.batch;

/**
 * Consecutive tokens of one sequence that a step computes.
 *
 * @param sequence whose
 * @param from the first position
 * @param count how many, at least 1
 * @param reachesEnd whether the last is the last token known, so that its logits choose the next
 */
public record Slice(Sequence sequence, int from, int count, boolean reachesEnd) {}
