package io.altiplano.gateway.licence;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.licensing.Decision;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.Licensee;
import io.altiplano.licensing.Reason;
import io.altiplano.licensing.Use;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Whether a tenant may use a model now: gathers the facts, asks the engine, records the decision, and remembers it for as long
 * as nothing that it rests on has changed.
 *
 * <p>That is told by the licence epoch. The epoch is read <em>before</em> the facts, so a verdict marked N rests on facts at
 * least as new as N; it stands while {@link EpochWatch} confirms an epoch not above N, and until the instant at which time
 * alone may change it. When the epoch has moved the facts are read again; if this tenant's are what they were, the recorded
 * decision goes on to stand, else a new one is taken and recorded.
 */
@ApplicationScoped
public class LicenceGate {
    private static final int MOST_REMEMBERED = 100_000;

    private final Db db;
    private final EpochWatch watch;
    private final LicenceEngine engine;
    private final ObjectMapper json;
    private final Clock clock;
    private final Cache<Question, Remembered> cache =
            Caffeine.newBuilder().maximumSize(MOST_REMEMBERED).build();

    private record Question(String tenantId, String modelId, String licenceId, Use use) {}

    /** A decision and what it rests on; {@code refusal} is the platform's own, apart from the licence. */
    private record Remembered(
            Licensee facts,
            PlatformTerms platform,
            Decision decision,
            PlatformTerms.@Nullable Refusal refusal,
            String decisionId,
            long epoch) {
        Instant holdsUntil() {
            Instant licence = decision.holdsUntil();
            return platform.holdsUntil().isBefore(licence) ? platform.holdsUntil() : licence;
        }
    }

    @Inject
    LicenceGate(Db db, EpochWatch watch, LicenceEngine engine, ObjectMapper json, Clock clock) {
        this.db = db;
        this.watch = watch;
        this.engine = engine;
        this.json = json;
        this.clock = clock;
    }

    /**
     * Decides, from memory where that is still good. May ask the database: not for event loops.
     *
     * @param modelId the model's catalog id
     * @param licenceId the licence that the catalog says it stands under
     */
    public LicenceVerdict check(Caller caller, String modelId, String licenceId, Use use) {
        OptionalLong confirmed = watch.confirmed();
        if (confirmed.isEmpty()) {
            return new LicenceVerdict.Unconfirmed();
        }
        Question question = new Question(caller.tenantId(), modelId, licenceId, use);
        Remembered known = cache.getIfPresent(question);
        if (known == null || !stands(known, confirmed.getAsLong())) {
            try {
                known = cache.asMap()
                        .compute(
                                question,
                                (q, old) -> old != null && stands(old, confirmed.getAsLong()) ? old : decide(q, old));
            } catch (DatabaseUnavailableException e) {
                return new LicenceVerdict.Unconfirmed();
            }
        }
        return verdict(known, Math.max(known.epoch(), confirmed.getAsLong()));
    }

    private boolean stands(Remembered known, long confirmedEpoch) {
        return known.epoch() >= confirmedEpoch && clock.instant().isBefore(known.holdsUntil());
    }

    private Remembered decide(Question question, @Nullable Remembered old) {
        return db.tenant(question.tenantId(), handle -> {
            long epoch = LicenceStore.epoch(handle);
            Licensee facts = LicenceStore.licensee(handle, question.tenantId());
            PlatformTerms platform = LicenceStore.platformTerms(handle, question.tenantId());
            Instant at = LicenceStore.now(handle);
            if (old != null
                    && old.facts().equals(facts)
                    && old.platform().equals(platform)
                    && at.isBefore(old.holdsUntil())) {
                return new Remembered(facts, platform, old.decision(), old.refusal(), old.decisionId(), epoch);
            }
            DecisionInputs inputs =
                    new DecisionInputs(facts, question.modelId(), question.licenceId(), question.use(), platform, at);
            Decision decision = engine.decide(inputs.toRequest());
            PlatformTerms.Refusal refusal =
                    platform.refusal(question.modelId(), question.use()).orElse(null);
            String id = record(handle, inputs, decision, refusal, epoch);
            return new Remembered(facts, platform, decision, refusal, id, epoch);
        });
    }

    private String record(
            Handle handle,
            DecisionInputs inputs,
            Decision decision,
            PlatformTerms.@Nullable Refusal refusal,
            long epoch) {
        UUID id = UUID.randomUUID();
        try {
            LicenceStore.insertDecision(
                    handle,
                    id,
                    inputs,
                    decision instanceof Decision.Permit && refusal == null,
                    json.writeValueAsString(inputs),
                    json.writeValueAsString(decision),
                    refusal == null ? null : json.writeValueAsString(refusal),
                    epoch);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a licence decision cannot be written as JSON", e);
        }
        return id.toString();
    }

    private static LicenceVerdict verdict(Remembered known, long epoch) {
        PlatformTerms.Refusal refusal = known.refusal();
        // A suspended tenant hears that first; else the licence goes before what the platform sells.
        if (refusal != null && (known.platform().suspended() || known.decision() instanceof Decision.Permit)) {
            return new LicenceVerdict.Refused(
                    refusal.code(), refusal.message() + " Decision: " + known.decisionId() + ".");
        }
        return switch (known.decision()) {
            case Decision.Permit permit -> new LicenceVerdict.Permitted(known.decisionId(), epoch);
            case Decision.Deny deny -> {
                Reason first = deny.first();
                String others = deny.reasons().size() == 1
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                " (%d more reasons are in the decision.)",
                                deny.reasons().size() - 1);
                yield new LicenceVerdict.Refused(
                        first.code().code(),
                        first.message() + " " + first.remedy() + others + " Decision: " + known.decisionId() + ".");
            }
        };
    }
}
