package io.altiplano.gateway.policy;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.Reattestation;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Attestations that are to be repeated. What follows for work is the licence gate's to say, by the database's clock; here officers
 * hear of it, and an overdue one opens a review.
 */
@ApplicationScoped
public class Reattestations {
    private final Db db;
    private final Reviews reviews;
    private final Clock clock;

    @Inject
    Reattestations(Db db, Reviews reviews, Clock clock) {
        this.db = db;
        this.reviews = reviews;
        this.clock = clock;
    }

    /** How far it has come. */
    public enum State {
        /** To be repeated soon. */
        DUE,
        /** Should have been repeated; work goes on. */
        OVERDUE,
        /** The grace is over: new work is refused. */
        REFUSED
    }

    /**
     * An attestation that is due again.
     *
     * @param review id of the review that it opened, or null
     */
    public record Standing(
            String attestationId,
            String tenantId,
            Instant acceptedAt,
            Reattestation reattestation,
            @Nullable String review) {
        /** Its state at an instant. */
        State at(Instant now) {
            if (reattestation.refuses(now)) {
                return State.REFUSED;
            }
            return now.isBefore(reattestation.due()) ? State.DUE : State.OVERDUE;
        }
    }

    /** All that are due or soon will be, the longest due first; null for any state. */
    List<Standing> list(@Nullable State state) {
        Instant now = clock.instant();
        return db.<List<Standing>>operator(operator -> ReattestationStore.due(operator, now)).stream()
                .filter(s -> state == null || s.at(now) == state)
                .toList();
    }

    /** The state of one now. */
    State stateOf(Standing standing) {
        return standing.at(clock.instant());
    }

    /** Opens reviews of those that are overdue, and closes those of attestations that were repeated. */
    void review() {
        Instant now = clock.instant();
        for (Standing s : list(null)) {
            if (s.review() == null && s.at(now) != State.DUE) {
                var unused = db.operator(operator -> reviews.open(
                        operator,
                        s.tenantId(),
                        Review.Kind.REATTESTATION,
                        s.attestationId(),
                        s.reattestation().licence(),
                        facts(s)));
            }
        }
        var unused = db.operator(operator -> {
            reviews.closeSettled(operator);
            return true;
        });
    }

    private static Map<String, Object> facts(Standing s) {
        Map<String, Object> facts = new HashMap<>();
        facts.put("attestation", s.attestationId());
        facts.put("accepted_at", s.acceptedAt().toString());
        facts.put("due", s.reattestation().due().toString());
        Instant refused = s.reattestation().refusedFrom();
        if (refused != null) {
            facts.put("refused_from", refused.toString());
        }
        facts.put("message", s.reattestation().text());
        return facts;
    }
}
