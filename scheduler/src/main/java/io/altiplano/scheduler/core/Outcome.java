package io.altiplano.scheduler.core;

import java.util.List;

/**
 * What follows from one input.
 *
 * @param decisions to be written to {@code jobs}, in order
 * @param effects to be sent, in order
 */
public record Outcome(List<Decision> decisions, List<Effect> effects) {}
