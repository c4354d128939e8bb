package io.altiplano.scheduler.fleet;

import java.util.List;

/**
 * The incarnations of one worker that must survive a restart of the scheduler: a replayed heartbeat of a superseded boot
 * must not end the present one's leases.
 *
 * @param pool model pool
 * @param workerId stable worker id
 * @param bootId the present incarnation
 * @param sinceMs when it was first heard
 * @param superseded earlier incarnations, newest first
 */
public record Boot(String pool, String workerId, String bootId, long sinceMs, List<Superseded> superseded) {
    /** A former incarnation and when the next one replaced it. */
    public record Superseded(String bootId, long atMs) {}
}
