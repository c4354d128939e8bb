package io.altiplano.gateway.policy;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What somebody said about a misuse.
 *
 * @param id "abr_" and 32 hex digits
 * @param subjectId whom it names, as the reporter wrote it
 * @param contact how the reporter may be reached, or null
 * @param reporterTenant of the API key that it came with, or null
 * @param assignee subject of the officer who has taken it, or null
 * @param tenantId who was warned or suspended, or null
 * @param matchedTenant the tenant that is named, or that owns the named model, as far as that is one; or null
 * @param subjectKnown whether there is a model or tenant of the name
 */
public record AbuseReport(
        String id,
        SubjectKind subjectKind,
        String subjectId,
        AbuseCategory category,
        String description,
        @Nullable String contact,
        @Nullable String reporterTenant,
        Instant receivedAt,
        State state,
        @Nullable String assignee,
        @Nullable Outcome outcome,
        @Nullable String tenantId,
        @Nullable Instant resolvedAt,
        @Nullable String resolvedByName,
        @Nullable String reason,
        @Nullable String matchedTenant,
        boolean subjectKnown) {
    /** What is misused. */
    public enum SubjectKind {
        /** A model, by its id. */
        MODEL,
        /** A tenant, by its id or name. */
        TENANT
    }

    /** Its life. */
    public enum State {
        /** Waits for officers. */
        OPEN,
        /** Decided about. */
        RESOLVED
    }

    /** What came of it. */
    public enum Outcome {
        /** Nothing. */
        NO_ACTION,
        /** The tenant was warned. */
        WARNED,
        /** The tenant was suspended. */
        SUSPENDED,
        /** The model was taken out of service. */
        MODEL_WITHDRAWN
    }

    /** What the reporter says. */
    public record Said(
            SubjectKind subjectKind,
            String subjectId,
            AbuseCategory category,
            String description,
            @Nullable String contact) {}
}
