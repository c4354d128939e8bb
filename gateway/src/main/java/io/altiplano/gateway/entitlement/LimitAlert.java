package io.altiplano.gateway.entitlement;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;

/**
 * That so much of a limit was used; once a threshold and period.
 *
 * @param tenantId whose
 * @param projectId the project, or "" for the tenant as a whole
 * @param limitName which, as {@link Quota#text}
 * @param period its first day
 * @param threshold per cent: 50, 80 or 100
 * @param used then
 * @param limitValue then
 * @param at when
 */
public record LimitAlert(
        String tenantId,
        String projectId,
        String limitName,
        LocalDate period,
        int threshold,
        BigDecimal used,
        BigDecimal limitValue,
        Instant at) {}
