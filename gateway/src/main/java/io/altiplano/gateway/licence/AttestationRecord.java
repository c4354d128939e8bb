package io.altiplano.gateway.licence;

import io.altiplano.gateway.approval.ContentHash;
import io.altiplano.licensing.Figure;
import java.time.Instant;
import java.time.YearMonth;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A named person's statement of a legal entity's monthly active users for one licence version, with its life.
 *
 * @param id "att_" and 32 hex digits
 * @param month the calendar month that the licence measures
 * @param lines every product and affiliate
 * @param signedBy the signatory
 * @param documentId the evidence, or null
 * @param editors subjects of everyone who wrote some of it
 * @param corrects the attestation that was accepted when this one was begun, or null
 * @param doubts what speaks against accepting it by itself; not empty: two persons are needed
 * @param closedAt when it was accepted, or rejected, or null
 * @param approvalId the two persons' approval, or null
 * @param closingReason why it was rejected, or null
 * @param reattestation when the platform wants it repeated, or null where it does not count
 */
public record AttestationRecord(
        String id,
        String tenantId,
        String licence,
        YearMonth month,
        List<Line> lines,
        String signedBy,
        @Nullable String documentId,
        State state,
        List<String> editors,
        @Nullable String corrects,
        List<String> doubts,
        Instant recordedAt,
        @Nullable Instant submittedAt,
        @Nullable Instant closedAt,
        @Nullable String approvalId,
        @Nullable String closingReason,
        @Nullable Reattestation reattestation) {
    /** Kind of its approvals. */
    static final String KIND = "ATTESTATION";

    /** Its life: forward, save that an edit makes a submitted one a draft again. */
    public enum State {
        /** Being written; counts for nothing. */
        DRAFT,
        /** Waits for two persons; counts for nothing. */
        SUBMITTED,
        /** Counts. */
        ACCEPTED,
        /** Counted until a later one was accepted. */
        SUPERSEDED,
        /** Never counted. */
        REJECTED
    }

    /**
     * One line.
     *
     * @param registrationNumber an affiliate's, where known; always null for a product
     * @param monthlyActiveUsers at least 0
     */
    public record Line(
            Figure.Kind kind, String name, @Nullable String registrationNumber, long monthlyActiveUsers) {
        Figure figure() {
            return new Figure(kind, name, monthlyActiveUsers);
        }
    }

    /** What is written in it, apart from its life. */
    public record Content(
            String licence,
            YearMonth month,
            List<Line> lines,
            String signedBy,
            @Nullable String documentId) {
        /** Copies the list. */
        public Content {
            lines = List.copyOf(lines);
        }
    }

    /** All users together; {@link Long#MAX_VALUE} where there are more than that. */
    public long monthlyActiveUsers() {
        return GroupFigure.sum(lines.stream().mapToLong(Line::monthlyActiveUsers));
    }

    /** The hash that an approver names. */
    public String contentHash() {
        ContentHash hash = ContentHash.of(KIND)
                .field(id)
                .field(tenantId)
                .field(licence)
                .field(month)
                .field(signedBy)
                .field(documentId)
                .field(lines.size());
        for (Line line : lines) {
            hash.field(line.kind())
                    .field(line.name())
                    .field(line.registrationNumber())
                    .field(line.monthlyActiveUsers());
        }
        doubts.forEach(hash::field);
        return hash.hex();
    }
}
