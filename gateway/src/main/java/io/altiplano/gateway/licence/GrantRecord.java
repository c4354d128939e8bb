package io.altiplano.gateway.licence;

import io.altiplano.gateway.approval.ContentHash;
import io.altiplano.licensing.Use;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.SortedSet;
import org.jspecify.annotations.Nullable;

/**
 * Meta's express grant, as an officer recorded it on a document. The platform never grants.
 *
 * @param id "grt_" and 32 hex digits
 * @param editors subjects of everyone who wrote some of it
 * @param approvalId the two persons' approval, or null
 * @param closingReason why it was rejected or revoked, or null
 */
public record GrantRecord(
        String id,
        String tenantId,
        Content content,
        State state,
        List<String> editors,
        Instant recordedAt,
        @Nullable Instant revokedAt,
        @Nullable String approvalId,
        @Nullable String closingReason) {
    /** Kind of its approvals. */
    static final String KIND = "LICENCE_GRANT";

    /** Its life. */
    public enum State {
        /** Waits for a second person; counts for nothing. */
        RECORDED,
        /** Counts. */
        APPROVED,
        /** Never counted. */
        REJECTED,
        /** Ended by an officer, on Meta's word. */
        REVOKED,
        /** Its last day is over. */
        EXPIRED
    }

    /**
     * What the document says.
     *
     * @param licences ids of the licence versions
     * @param territory ISO 3166-1 alpha-2 codes; empty for worldwide
     * @param document what it is, for people
     * @param documentId the uploaded file
     * @param documentSha256 the file's hash
     * @param date from the beginning of that day, UTC
     * @param lastDay to the end of that day, UTC, or null for no end
     */
    public record Content(
            SortedSet<String> licences,
            SortedSet<Use> uses,
            SortedSet<String> territory,
            String document,
            String documentId,
            String documentSha256,
            LocalDate date,
            @Nullable LocalDate lastDay) {}

    /** The hash that an approver names. */
    public String contentHash() {
        return ContentHash.of(KIND)
                .field(id)
                .field(tenantId)
                .field(content.licences())
                .field(content.uses())
                .field(content.territory())
                .field(content.document())
                .field(content.documentId())
                .field(content.documentSha256())
                .field(content.date())
                .field(content.lastDay())
                .hex();
    }
}
