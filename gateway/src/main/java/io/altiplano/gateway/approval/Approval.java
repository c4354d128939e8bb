package io.altiplano.gateway.approval;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A proposal about one record of a tenant, bound to the record's content.
 *
 * @param id "apr_" and 32 hex digits
 * @param tenantId whom it concerns
 * @param kind what is proposed
 * @param subjectId the record's id
 * @param summary one line for the person who decides
 * @param contentHash SHA-256 of the record's canonical content, hex ({@link ContentHash})
 * @param editors OIDC subjects of everyone who wrote some of the content
 * @param proposedBy OIDC subject
 * @param proposedByName for people
 * @param proposedAt when
 * @param state where it stands
 * @param closedBy OIDC subject of who approved, rejected or voided it, or null
 * @param closedByName for people
 * @param closedAt when, or null
 * @param reason why it was rejected or voided, or null
 */
public record Approval(
        String id,
        String tenantId,
        String kind,
        String subjectId,
        String summary,
        String contentHash,
        List<String> editors,
        String proposedBy,
        String proposedByName,
        Instant proposedAt,
        State state,
        @Nullable String closedBy,
        @Nullable String closedByName,
        @Nullable Instant closedAt,
        @Nullable String reason) {
    public Approval {
        editors = List.copyOf(editors);
    }

    /** Where a proposal stands; only OPEN changes. */
    public enum State {
        /** Waits for a second person. */
        OPEN,
        /** Agreed to by a second person; what it proposed was done in the same transaction. */
        APPROVED,
        /** Refused, with a reason. */
        REJECTED,
        /** The record was edited, or went away, under it. */
        VOIDED
    }
}
