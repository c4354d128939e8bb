package io.altiplano.gateway.policy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.approval.Approvals;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.PlatformTerms;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.altiplano.gateway.web.Cursor;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * What officers should look at: opened by the platform, once for each subject, commented and closed by officers. A review
 * changes nothing else: an officer who finds something acts by the means that there are for it.
 */
@ApplicationScoped
public class Reviews {
    private static final Person SYSTEM = new Person("system:platform-policy", "system:platform-policy");

    private final Db db;
    private final AuditLog audit;
    private final ObjectMapper json;

    @Inject
    Reviews(Db db, AuditLog audit, ObjectMapper json) {
        this.db = db;
        this.audit = audit;
        this.json = json;
    }

    /** A review with its history. */
    record Told(Review review, List<Event> history) {}

    /** Opens one if there has been none about the subject; true if it did. */
    boolean open(
            Handle operator,
            String tenantId,
            Review.Kind kind,
            String subject,
            @Nullable String licence,
            Map<String, ?> facts) {
        String id = "rev_" + UUID.randomUUID().toString().replace("-", "");
        if (!ReviewStore.insert(operator, id, tenantId, kind, subject, licence, write(facts))) {
            return false;
        }
        Review review = ReviewStore.find(operator, id).orElseThrow();
        ReviewStore.event(operator, review, SYSTEM, "OPENED", null);
        note(operator, SYSTEM, review, "policy_review.open", Map.of("kind", kind.name(), "subject", subject));
        return true;
    }

    /** Closes reviews of attestations that have been repeated since. */
    void closeSettled(Handle operator) {
        for (String id : ReviewStore.settled(operator)) {
            ReviewStore.lock(operator, id)
                    .filter(r -> r.state() == Review.State.OPEN)
                    .ifPresent(r -> close(operator, SYSTEM, r, "attested again"));
        }
    }

    /**
     * Adds an officer's words to a review, open or closed.
     *
     * @throws ApiException 404 no such review
     */
    Told comment(Person officer, String id, String text) {
        return db.operator(operator -> {
            Review review = ReviewStore.find(operator, id).orElseThrow(Reviews::unknown);
            ReviewStore.event(operator, review, officer, "COMMENTED", text);
            note(operator, officer, review, "policy_review.comment", Map.of());
            return tell(operator, id);
        });
    }

    /**
     * Closes a review.
     *
     * @throws ApiException 404 no such review; 409 it is closed; 403 the officer is a member of the tenant
     */
    Told close(Person officer, String id, String reason) {
        return db.operator(operator -> {
            Review review = ReviewStore.lock(operator, id).orElseThrow(Reviews::unknown);
            if (review.state() == Review.State.CLOSED) {
                throw new ApiException(ApiError.conflict(
                        "policy_review_closed", PlatformTerms.LABEL + "the review " + id + " is closed already."));
            }
            Approvals.requireOutsider(operator, review.tenantId(), officer);
            close(operator, officer, review, reason);
            return tell(operator, id);
        });
    }

    /** One with its history. */
    Told get(String id) {
        return db.operator(operator -> tell(operator, id));
    }

    /** At most one more than the cursor's limit, newest first. */
    List<Review> list(ReviewStore.Filter filter, Cursor cursor) {
        return db.operator(operator -> {
            String after = cursor.after();
            if (after != null && ReviewStore.find(operator, after).isEmpty()) {
                throw Cursor.unknownAfter();
            }
            return ReviewStore.list(operator, filter, after, cursor.limit() + 1);
        });
    }

    /** A review's facts. */
    JsonNode facts(Review review) {
        try {
            return json.readTree(review.facts());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("PostgreSQL gave jsonb that is no JSON", e);
        }
    }

    private void close(Handle operator, Person by, Review review, String reason) {
        ReviewStore.close(operator, review.id(), by, reason);
        ReviewStore.event(operator, review, by, "CLOSED", reason);
        note(operator, by, review, "policy_review.close", Map.of("reason", reason));
    }

    private static Told tell(Handle operator, String id) {
        return new Told(ReviewStore.find(operator, id).orElseThrow(Reviews::unknown), ReviewStore.events(operator, id));
    }

    private static ApiException unknown() {
        return new ApiException(
                ApiError.notFound("policy_review_not_found", PlatformTerms.LABEL + "there is no review of this id."));
    }

    /** Without the tenant as such: it does not see its reviews, so its audit log does not hold them. */
    private void note(Handle operator, Person by, Review review, String action, Map<String, String> more) {
        Map<String, String> detail = new java.util.HashMap<>(more);
        detail.put("about", review.tenantId());
        audit.append(operator, AuditEntry.by(by, action, null, review.id(), detail));
    }

    private String write(Map<String, ?> facts) {
        try {
            return json.writeValueAsString(facts);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("a review's facts cannot be written as JSON", e);
        }
    }
}
