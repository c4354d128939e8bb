package io.altiplano.gateway.policy;

import java.time.Instant;

/**
 * What the platform asks for beyond the licences, from one change to the next.
 *
 * @param reattestationMonths after how many calendar months an accepted attestation is due again, 1 to 120
 * @param noticeDays for how many days before that it is shown as due, and how long everybody has from a change on, 0 to 366
 * @param graceDays for how many days after that work goes on, 0 to 366
 * @param denyAfterGrace whether work is refused then, or officers only hear of it
 */
public record PolicyRules(
        int reattestationMonths,
        int noticeDays,
        int graceDays,
        boolean denyAfterGrace,
        String recordedBy,
        Instant recordedAt) {}
