package io.altiplano.scheduler.placement;

import io.altiplano.scheduler.fleet.Prefixes;

/**
 * What a job wants of a worker.
 *
 * @param model catalog id
 * @param adapter catalog id, empty for none
 * @param blocks KV blocks it may come to use
 * @param prefixes of its prompt
 * @param fingerprint numerics fingerprint of the worker that the last attempt ran on; empty for none
 * @param interactive whether jobs that yield give way to it
 */
public record Demand(
        String model, String adapter, long blocks, Prefixes prefixes, String fingerprint, boolean interactive) {}
