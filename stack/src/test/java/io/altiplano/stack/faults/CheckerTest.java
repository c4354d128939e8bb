package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LeaseGranted;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.stack.faults.Evidence.Entry;
import io.altiplano.stack.faults.Evidence.Submitted;
import io.altiplano.stack.faults.Finding.Invariant;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The checker against evidence with one planted fault each: a checker that finds nothing anywhere proves nothing. */
class CheckerTest {
    private static final UUID JOB = UUID.fromString("01900000-0000-7000-8000-000000000001");
    private static final UUID LEFT = UUID.fromString("01900000-0000-7000-8000-000000000002");
    private static final UUID FAILED = UUID.fromString("01900000-0000-7000-8000-000000000003");
    private static final String ANSWER = "A river runs.";

    /** Evidence of three jobs (whole, left, failed) that a plant may spoil. */
    private static final class Scene {
        final List<Seen> seen = new ArrayList<>(List.of(
                seen(JOB.toString(), "north", Seen.End.WHOLE, 10, 4, ANSWER, 0),
                seen(LEFT.toString(), "north", Seen.End.LEFT, 10, 2, "A ri", 200),
                seen(FAILED.toString(), "south", Seen.End.ERROR_EVENT, 10, 1, "A", 0),
                seen(null, "south", Seen.End.REFUSED, 10, 0, "", 503)));
        final Map<String, Submitted> submitted = new LinkedHashMap<>(Map.of(
                JOB.toString(), new Submitted("north", null, 10, 24),
                LEFT.toString(), new Submitted("north", null, 10, 24),
                FAILED.toString(), new Submitted("south", null, 10, 24)));
        final List<JobRecord> log = new ArrayList<>(List.of(
                granted(JOB, 1),
                granted(LEFT, 1),
                granted(FAILED, 1),
                finished(JOB, JobOutcome.JOB_OUTCOME_SUCCEEDED),
                finished(LEFT, JobOutcome.JOB_OUTCOME_CANCELLED),
                finished(FAILED, JobOutcome.JOB_OUTCOME_FAILED)));
        final List<Entry> ledger = new ArrayList<>(List.of(
                new Entry(JOB, 0, "north", "SUCCEEDED", 10, 4),
                new Entry(LEFT, 0, "north", "CANCELLED", 10, 3),
                new Entry(FAILED, 0, "south", "FAILED", 0, 0)));

        @Nullable
        List<Entry> rebuilt;

        List<String> skewed = List.of();
        Map<String, Long> idle = Map.of();
        List<String> undrained = List.of();
        String audit = "";
        Map<String, Evidence.Quota> quotas = Map.of("north", quota(100));

        Evidence evidence() {
            return new Evidence(
                    seen,
                    submitted,
                    log,
                    ledger,
                    rebuilt == null ? ledger : rebuilt,
                    skewed,
                    Map.of(0, ANSWER),
                    Set.of(),
                    idle,
                    undrained,
                    0,
                    audit,
                    quotas);
        }
    }

    /** What may be wrong, and the invariant that it breaks. */
    private enum Plant {
        JOB_WITHOUT_AN_END(Invariant.I1, s -> s.log.remove(3)),
        JOB_THAT_NOBODY_SUBMITTED(Invariant.I1, s -> s.submitted.remove(FAILED.toString())),
        ONE_ANSWER_FOR_TWO_REQUESTS(Invariant.I1, s -> s.seen.add(s.seen.getFirst())),
        ONE_KEY_TWO_JOBS_OF_WHICH_ONE_HAS_NO_CLIENT(Invariant.I2, s -> {
            s.submitted.put(JOB.toString(), new Submitted("north", "key", 10, 24));
            s.submitted.put(LEFT.toString(), new Submitted("north", "key", 10, 24));
            s.seen.set(0, seen("key", JOB.toString(), "north", Seen.End.WHOLE, 10, 4, ANSWER, 200));
            s.seen.remove(1);
        }),
        KEY_ANSWERED_AND_THEN_REFUSED(Invariant.I1, s -> {
            s.seen.set(0, seen("key", JOB.toString(), "north", Seen.End.WHOLE, 10, 4, ANSWER, 200));
            s.seen.add(later(seen("key", null, "north", Seen.End.REFUSED, 10, 0, "", 429)));
        }),
        KEY_NEVER_ANSWERED(Invariant.I1, s -> s.seen.add(seen("key", null, "north", Seen.End.REFUSED, 10, 0, "", 503))),
        ONE_ANSWER_FOR_TWO_KEYS(Invariant.I1, s -> {
            s.seen.set(0, seen("key", JOB.toString(), "north", Seen.End.WHOLE, 10, 4, ANSWER, 200));
            s.seen.add(seen("other key", JOB.toString(), "north", Seen.End.WHOLE, 10, 4, ANSWER, 200));
        }),
        STATUS_500(Invariant.I1, s -> s.seen.add(seen(null, "south", Seen.End.REFUSED, 10, 0, "", 500))),
        KEY_REFUSED(Invariant.I1, s -> s.seen.add(seen(null, "south", Seen.End.REFUSED, 10, 0, "", 401))),
        REFUSAL_WITHOUT_RETRY_AFTER(Invariant.I1, s -> s.seen.add(withoutRetryAfter())),
        JOB_NOT_BILLED(Invariant.I2, s -> s.ledger.removeFirst()),
        JOB_BILLED_TWICE(Invariant.I2, s -> s.ledger.add(new Entry(JOB, 1, "north", "SUCCEEDED", 10, 4))),
        ONE_TOKEN_TOO_MANY(Invariant.I2, s -> s.ledger.set(0, new Entry(JOB, 0, "north", "SUCCEEDED", 10, 5))),
        PROMPT_MISCOUNTED(Invariant.I2, s -> s.ledger.set(0, new Entry(JOB, 0, "north", "SUCCEEDED", 11, 4))),
        LESS_BILLED_THAN_RECEIVED(Invariant.I2, s -> s.ledger.set(1, new Entry(LEFT, 0, "north", "CANCELLED", 10, 1))),
        MORE_BILLED_THAN_ALLOWED(Invariant.I2, s -> s.ledger.set(1, new Entry(LEFT, 0, "north", "CANCELLED", 10, 25))),
        FAILURE_BILLED(Invariant.I2, s -> s.ledger.set(2, new Entry(FAILED, 0, "south", "FAILED", 10, 0))),
        BILLED_BEFORE_ITS_END(
                Invariant.I2, s -> s.ledger.add(new Entry(UUID.randomUUID(), 0, "north", "FAILED", 0, 0))),
        REBUILT_OTHERWISE(Invariant.I2, s -> s.rebuilt = s.ledger.subList(0, 2)),
        ROLLUP_OF_ANOTHER_SUM(Invariant.I2, s -> s.skewed = List.of("2 rows of usage_day are not the sums of entries")),
        WHOLE_ANSWER_OF_A_FAILED_JOB(Invariant.I2, s -> s.log.set(3, finished(JOB, JobOutcome.JOB_OUTCOME_CANCELLED))),
        BILLED_TO_ANOTHER(Invariant.I3, s -> s.ledger.set(0, new Entry(JOB, 0, "south", "SUCCEEDED", 10, 4))),
        SUBMITTED_FOR_ANOTHER(Invariant.I3, s -> s.submitted.put(JOB.toString(), new Submitted("south", null, 10, 24))),
        ANOTHERS_ANSWER(
                Invariant.I3,
                s -> s.seen.set(0, seen(JOB.toString(), "north", Seen.End.WHOLE, 10, 4, "Another story.", 0))),
        MORE_THAN_THE_HARD_LIMIT(Invariant.I4, s -> s.quotas = Map.of("north", quota(101))),
        AUDIT_BROKEN(Invariant.I5, s -> s.audit = "row 7 does not follow from row 6"),
        EPOCH_SKIPPED(Invariant.I6, s -> s.log.add(1, granted(JOB, 3))),
        SUCCESS_WITHOUT_A_LEASE(Invariant.I6, s -> s.log.removeFirst()),
        LEDGER_OF_A_FENCED_RESULT(Invariant.I6, s -> s.ledger.set(2, new Entry(FAILED, 0, "south", "CANCELLED", 0, 1))),
        NOT_DRAINED(Invariant.I8, s -> s.undrained = List.of("the outbox holds 3 rows")),
        LEFT_OVER(Invariant.I9, s -> s.idle = Map.of("worker-0 KV blocks held", 2L));

        private final Invariant breaks;
        private final Consumer<Scene> spoil;

        Plant(Invariant breaks, Consumer<Scene> spoil) {
            this.breaks = breaks;
            this.spoil = spoil;
        }
    }

    @Test
    void soundEvidenceHasNoFinding() {
        // given
        Scene scene = new Scene();

        // when
        Checker.Result result = Checker.check(scene.evidence());

        // then
        assertThat(result.findings()).isEmpty();
        assertThat(result.jobs()).isEqualTo(3);
        assertThat(result.largestCancelWindow()).isEqualTo(1);
    }

    @Test
    void aRequestThatIsAskedAgainUnderItsKeyIsOneRequest() {
        // given
        Scene scene = new Scene();
        Seen whole = seen("key", JOB.toString(), "north", Seen.End.WHOLE, 10, 4, ANSWER, 200);
        scene.seen.set(0, seen("key", JOB.toString(), "north", Seen.End.CUT, 10, 1, "A", 200));
        scene.seen.add(whole);
        scene.seen.add(whole);

        // when
        Checker.Result result = Checker.check(scene.evidence());

        // then
        assertThat(result.findings()).isEmpty();
    }

    @Test
    void aSecondTerminalRecordAndALateGrantHaveNoEffect() {
        // given
        Scene scene = new Scene();
        scene.log.add(finished(JOB, JobOutcome.JOB_OUTCOME_FAILED));
        scene.log.add(granted(JOB, 2));

        // when
        Checker.Result result = Checker.check(scene.evidence());

        // then
        assertThat(result.findings()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Plant.class)
    void aPlantedFaultIsFound(Plant plant) {
        // given
        Scene scene = new Scene();
        plant.spoil.accept(scene);

        // when
        Checker.Result result = Checker.check(scene.evidence());

        // then
        assertThat(result.findings()).extracting(Finding::invariant).contains(plant.breaks);
    }

    @Test
    void whatAReplacedSchedulerWroteBehindItsSuccessorIsNotHeldAgainstAnybody() {
        // given
        Map<Integer, Long> generations = new HashMap<>();
        JobRecord first =
                granted(UUID.randomUUID(), 1).toBuilder().setGeneration(7).build();
        JobRecord next = first.toBuilder().setGeneration(8).build();

        // then
        assertThat(Replay.counts(3, first, generations)).isTrue();
        assertThat(Replay.counts(3, next, generations)).isTrue();
        assertThat(Replay.counts(3, first, generations)).isFalse();
        assertThat(Replay.counts(3, next, generations)).isTrue();
        assertThat(Replay.counts(4, first, generations)).isTrue();
    }

    @Test
    void aWorkersLastWordIsToldByItsOwnCountWhateverItsClockSays() {
        // given
        WorkerHeartbeat early = WorkerHeartbeat.newBuilder()
                .setBootId("boot")
                .setSequence(4)
                .setAtMs(9_000_000)
                .build();
        WorkerHeartbeat late = early.toBuilder().setSequence(5).setAtMs(1_000).build();

        // then
        assertThat(Replay.follows(early, late)).isTrue();
        assertThat(Replay.follows(late, early)).isFalse();
        assertThat(Replay.follows(late, early.toBuilder().setBootId("before").build()))
                .isFalse();
    }

    private static Seen seen(
            @Nullable String job, String tenant, Seen.End end, int prompt, int tokens, String text, int status) {
        return seen(null, job, tenant, end, prompt, tokens, text, status);
    }

    private static Seen seen(
            @Nullable String key,
            @Nullable String job,
            String tenant,
            Seen.End end,
            int prompt,
            int tokens,
            String text,
            int status) {
        return new Seen(tenant, 0, key, true, end, job, status, "", true, prompt, tokens, text, 1, 2, 9);
    }

    private static Evidence.Quota quota(long billed) {
        return new Evidence.Quota("tokens", BigDecimal.valueOf(billed), BigDecimal.valueOf(100));
    }

    private static Seen later(Seen s) {
        return s.at(s.sentNanos(), s.firstNanos(), s.endNanos() + 1);
    }

    private static Seen withoutRetryAfter() {
        return new Seen("south", 0, null, true, Seen.End.REFUSED, null, 429, "", false, 10, 0, "", 1, 0, 9);
    }

    private static JobRecord granted(UUID job, int epoch) {
        return JobRecord.newBuilder()
                .setGranted(LeaseGranted.newBuilder().setJobId(job.toString()).setEpoch(epoch))
                .build();
    }

    private static JobRecord finished(UUID job, JobOutcome outcome) {
        return JobRecord.newBuilder()
                .setFinished(JobFinished.newBuilder().setJobId(job.toString()).setOutcome(outcome))
                .build();
    }
}
