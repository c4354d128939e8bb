package io.altiplano.gateway.policy;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Something that an officer should look at. It decides nothing.
 *
 * @param id "rev_" and 32 hex digits
 * @param subject what it is about: an attestation's id; or a month and, if it is about one, a licence
 * @param licence the licence version it is about, or null
 * @param facts the numbers that opened it, JSON
 * @param reason why it was closed, or null
 */
public record Review(
        String id,
        String tenantId,
        Kind kind,
        String subject,
        @Nullable String licence,
        String facts,
        Instant openedAt,
        State state,
        @Nullable Instant closedAt,
        @Nullable String closedByName,
        @Nullable String reason) {
    /** Why one opens. */
    public enum Kind {
        /** An attestation was not repeated in time. */
        REATTESTATION,
        /** More end users were seen than the group attested. */
        END_USERS
    }

    /** Its life. */
    public enum State {
        /** Waits for an officer. */
        OPEN,
        /** Looked at; the reason says what came of it. */
        CLOSED
    }
}
