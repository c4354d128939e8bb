package io.altiplano.gateway.licence;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A tenant above a licence's threshold that must ask Meta for a licence.
 *
 * @param id "lrq_" and 32 hex digits
 * @param monthlyActiveUsers the group's figure when it opened
 * @param closedBy OIDC subject or "system:..."
 */
public record LicenceRequest(
        String id,
        String tenantId,
        String licence,
        long monthlyActiveUsers,
        State state,
        Instant openedAt,
        @Nullable Instant closedAt,
        @Nullable String closedBy,
        @Nullable String reason) {
    /** How it stands. */
    public enum State {
        /** Meta has not answered; all rights are withheld. */
        OPEN,
        /** Meta granted, and two persons agreed that it did. */
        GRANTED,
        /** Meta refused. */
        REFUSED,
        /** Not needed any more. */
        CLOSED
    }
}
