package io.altiplano.gateway.licence;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.catalog.ModelTexts;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.licensing.Decision;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.Use;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
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
 *
 * <p><b>When a right ends.</b> A permit is noted ({@code licence_standing}) in its own transaction, before anyone acts on it. A
 * decision that denies where a permit stands locks the epoch (no fact changes until the commit), looks at the facts once more,
 * begins a new epoch, and writes the withdrawal beside the denial. So a withdrawal's epoch is above that of every permit given under
 * the old facts, whoever holds it and however late it is used, and not above that of any given under newer ones.
 */
@ApplicationScoped
public class LicenceGate {
    private static final int MOST_REMEMBERED = 100_000;
    private static final Duration NOTED = Duration.ofHours(1);
    /** No verdict is of this epoch: the question is decided again in any case. */
    static final long ALWAYS = Long.MAX_VALUE;

    private final Db db;
    private final EpochWatch watch;
    private final LicenceEngine engine;
    private final ObjectMapper json;
    private final Clock clock;
    private final Alarm alarm;
    private final Cache<Question, Remembered> cache =
            Caffeine.newBuilder().maximumSize(MOST_REMEMBERED).build();

    @Inject
    LicenceGate(Db db, EpochWatch watch, LicenceEngine engine, ObjectMapper json, Clock clock, Alarm alarm) {
        this.db = db;
        this.watch = watch;
        this.engine = engine;
        this.json = json;
        this.clock = clock;
        this.alarm = alarm;
    }

    /**
     * Decides, from memory where that is still good. May ask the database: not for event loops.
     *
     * @param modelId the model's catalog id
     * @param licenceId the licence that the catalog says it stands under
     */
    public LicenceVerdict check(Caller caller, String modelId, String licenceId, Use use) {
        EpochWatch.Reading now = watch.now();
        Remembered known =
                now == null ? null : recall(new Question(caller.tenantId(), modelId, licenceId, use), now.epoch());
        if (now == null || known == null) {
            return new LicenceVerdict.Unconfirmed();
        }
        return known.verdict(Math.max(known.epoch(), now.epoch()), now.askedAt());
    }

    /** A permit that is about to be acted on: itself while its confirmation counts, else the answer to a new question. */
    public LicenceVerdict confirm(
            LicenceVerdict.Permitted permit, Caller caller, String modelId, String licenceId, Use use) {
        return watch.counts(permit.confirmedAt()) ? permit : check(caller, modelId, licenceId, use);
    }

    /**
     * The decision behind a verdict: the duties that come with a permit, all the reasons of a denial.
     *
     * @return empty if it cannot be confirmed at the moment
     */
    public Optional<Explained> explain(Caller caller, String modelId, String licenceId, Use use) {
        EpochWatch.Reading now = watch.now();
        Remembered known =
                now == null ? null : recall(new Question(caller.tenantId(), modelId, licenceId, use), now.epoch());
        return known == null
                ? Optional.empty()
                : Optional.of(new Explained(
                        known.decisionId(),
                        known.decision(),
                        known.refusal(),
                        known.inputs().platform().reattestations()));
    }

    /** A recorded decision; {@code refusal} and {@code reattestations} are the platform's own, apart from the licence. */
    public record Explained(
            String decisionId,
            Decision decision,
            PlatformTerms.@Nullable Refusal refusal,
            List<Reattestation> reattestations) {}

    /** The decision at an epoch; null with the database away. */
    private @Nullable Remembered recall(Question question, long epoch) {
        Remembered known = cache.getIfPresent(question);
        if (known != null && stands(known, epoch)) {
            return known;
        }
        try {
            return cache.asMap()
                    .compute(question, (q, old) -> old != null && stands(old, epoch) ? old : decide(q, old, true));
        } catch (DatabaseUnavailableException e) {
            return null;
        }
    }

    /**
     * Decides again what may have ended; nobody waits for the answer. A permit that this gateway does not use itself leaves no
     * trace.
     *
     * @param epoch the epoch for which it must hold, or {@link #ALWAYS}
     */
    void redecide(Question question, long epoch) {
        cache.asMap()
                .compute(
                        question,
                        (q, old) -> old != null && old.permits() && stands(old, epoch) ? old : decide(q, old, false));
    }

    private boolean stands(Remembered known, long epoch) {
        return known.epoch() >= epoch
                && clock.instant().isBefore(known.holdsUntil())
                && System.nanoTime() - known.notedAt() <= NOTED.toNanos();
    }

    private @Nullable Remembered decide(Question question, @Nullable Remembered old, boolean asked) {
        Remembered decided = decideAndRecord(question, old, asked);
        if (decided != null && !decided.permits()) {
            // It may have ended a right: after the commit, so that who wakes sees it.
            alarm.ring();
        }
        return decided;
    }

    private @Nullable Remembered decideAndRecord(Question question, @Nullable Remembered old, boolean asked) {
        return db.tenant(question.tenantId(), handle -> {
            long epoch = LicenceStore.epoch(handle);
            Judged judged = judge(handle, question, old);
            if (!judged.permits() && WithdrawalStore.stands(handle, question)) {
                epoch = WithdrawalStore.lockEpoch(handle);
                judged = judge(handle, question, old);
                // Another gateway may have ended it while this one waited for the lock.
                if (!judged.permits() && WithdrawalStore.stands(handle, question)) {
                    return end(handle, question, judged);
                }
            }
            if (old == null && !asked) {
                if (judged.permits()) {
                    WithdrawalStore.extend(handle, question, judged.holdsUntil());
                }
                return null;
            }
            String id = judged.recordedAs() == null ? record(handle, judged, epoch) : judged.recordedAs();
            if (judged.permits()) {
                note(handle, question, judged, epoch, asked);
            }
            long notedAt = asked || old == null ? System.nanoTime() : old.notedAt();
            return judged.remembered(id, epoch, notedAt);
        });
    }

    private Remembered end(Handle handle, Question question, Judged judged) {
        long epoch = WithdrawalStore.nextEpoch(handle);
        String id = judged.recordedAs() == null ? record(handle, judged, epoch) : judged.recordedAs();
        Remembered ended = judged.remembered(id, epoch, System.nanoTime());
        if (ended.verdict(epoch, 0) instanceof LicenceVerdict.Refused(String code, String message)) {
            WithdrawalStore.insert(handle, question, epoch, UUID.fromString(id), code, message);
        }
        return ended;
    }

    private static void note(Handle handle, Question question, Judged judged, long epoch, boolean asked) {
        boolean noted = judged.recordedAs() != null
                && (asked
                        ? WithdrawalStore.noted(handle, question, judged.holdsUntil())
                        : WithdrawalStore.stands(handle, question));
        if (!noted) {
            WithdrawalStore.note(handle, question, epoch, judged.holdsUntil());
        }
    }

    private Judged judge(Handle handle, Question question, @Nullable Remembered old) {
        DecisionInputs inputs = new DecisionInputs(
                LicenceStore.licensee(handle, question.tenantId()),
                question.modelId(),
                question.licenceId(),
                ModelTexts.lineage(handle, question.modelId()),
                question.use(),
                LicenceStore.platformTerms(handle, question.tenantId()),
                LicenceStore.now(handle));
        if (old != null && old.restsOn(inputs)) {
            return new Judged(inputs, old.decision(), old.refusal(), old.decisionId());
        }
        return new Judged(inputs, engine.decide(inputs.toRequest()), inputs.refusal(), null);
    }

    private String record(Handle handle, Judged judged, long epoch) {
        UUID id = UUID.randomUUID();
        PlatformTerms.Refusal refusal = judged.refusal();
        try {
            LicenceStore.insertDecision(
                    handle,
                    id,
                    judged.inputs(),
                    judged.permits(),
                    json.writeValueAsString(judged.inputs()),
                    json.writeValueAsString(judged.decision()),
                    refusal == null ? null : json.writeValueAsString(refusal),
                    epoch);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a licence decision cannot be written as JSON", e);
        }
        return id.toString();
    }
}
