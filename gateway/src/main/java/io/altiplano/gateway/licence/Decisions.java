package io.altiplano.gateway.licence;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.db.Db;
import io.altiplano.licensing.Decision;
import io.altiplano.licensing.LicenceEngine;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Looks recorded decisions up, and takes them again from what they were taken from. */
@ApplicationScoped
public class Decisions {
    private final Db db;
    private final LicenceEngine engine;
    private final ObjectMapper json;

    @Inject
    Decisions(Db db, LicenceEngine engine, ObjectMapper json) {
        this.db = db;
        this.engine = engine;
        this.json = json;
    }

    /** As {@link DecisionStore#list}; {@code after} is an id, and none that is not there. */
    Optional<List<DecisionRecord>> list(DecisionFilter filter, @Nullable UUID after, int limit) {
        return db.operator(operator -> {
            Optional<DecisionRecord> from = after == null ? Optional.empty() : DecisionStore.find(operator, after);
            return after != null && from.isEmpty()
                    ? Optional.empty()
                    : Optional.of(DecisionStore.list(operator, filter, from.orElse(null), limit));
        });
    }

    Optional<DecisionRecord> find(UUID id) {
        return db.operator(operator -> DecisionStore.find(operator, id));
    }

    /**
     * The decision that follows from recorded inputs.
     *
     * @param equal whether the record says the same, in verdict, policy and permission
     * @param verdict the engine's answer, JSON
     * @param policy the platform's own refusal, JSON; null where it has none
     */
    record Replay(
            boolean equal,
            boolean permitted,
            JsonNode verdict,
            @Nullable JsonNode policy) {}

    /** Takes a decision again, by the rules of this build. */
    Replay replay(DecisionRecord decision) {
        DecisionInputs inputs = inputs(decision);
        Decision again = engine.decide(inputs.toRequest());
        PlatformTerms.Refusal refusal = inputs.refusal();
        boolean permitted = again instanceof Decision.Permit && refusal == null;
        JsonNode verdict = tree(again);
        JsonNode policy = refusal == null ? null : tree(refusal);
        JsonNode recordedPolicy = decision.policy() == null ? null : read(decision.policy());
        boolean equal = permitted == decision.permitted()
                && verdict.equals(read(decision.verdict()))
                && (policy == null ? recordedPolicy == null : policy.equals(recordedPolicy))
                && inputs.licensee().id().equals(decision.tenantId())
                && inputs.model().equals(decision.model())
                && inputs.use().name().equals(decision.use());
        return new Replay(equal, permitted, verdict, policy);
    }

    private DecisionInputs inputs(DecisionRecord decision) {
        try {
            return json.readValue(decision.inputs(), DecisionInputs.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the inputs of decision " + decision.id() + " cannot be read", e);
        }
    }

    /** JSON as it would be read back from the record: numbers by their text, and not by their Java type. */
    private JsonNode tree(Object value) {
        try {
            return json.readTree(json.writeValueAsString(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a decision cannot be written as JSON", e);
        }
    }

    /** Recorded JSON. */
    JsonNode read(String recorded) {
        try {
            return json.readTree(recorded);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("PostgreSQL gave jsonb that is no JSON", e);
        }
    }
}
