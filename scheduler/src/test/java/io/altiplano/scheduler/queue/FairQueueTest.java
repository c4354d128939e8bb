package io.altiplano.scheduler.queue;

import static io.altiplano.contracts.v1.JobClass.JOB_CLASS_BATCH;
import static io.altiplano.contracts.v1.JobClass.JOB_CLASS_INTERACTIVE;
import static io.altiplano.contracts.v1.JobClass.JOB_CLASS_TRAINING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.altiplano.contracts.v1.JobClass;
import io.altiplano.scheduler.queue.JobQueue.Entry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

/** The properties of I7; FirstComeQueue, which must fail them, is the negative control. */
class FairQueueTest {
    /** Tokens served in a try: fewer than wait, so that nobody runs out. */
    private static final int SERVED = 1_000_000;

    private static FairQueue fair() {
        return new FairQueue("default", ClassShares.DEFAULT);
    }

    /** A tenant's real cost a job: "small" 50 to 150 tokens, "large" 200 to 1,000; drawn from the job's id alone. */
    private static long real(Entry e) {
        int drawn = Math.floorMod(e.jobId().hashCode() * 31, 100);
        return e.tenant().startsWith("large") ? 200 + 8L * drawn : 50 + drawn;
    }

    /** Two tenants with more waiting than can be served; estimates are wrong by a factor of their own. Served shares. */
    private static double shareOfFirst(JobQueue queue, int places, int weight, int overFirst, int overSecond) {
        Shop shop = new Shop(queue, places, FairQueueTest::real);
        int arrival = 0;
        for (int i = 0; i < 12_000; i++) {
            shop.add(waiting("small", i, weight, overFirst, arrival++));
            shop.add(waiting("large", i, 1, overSecond, arrival++));
        }
        shop.runUntil(SERVED / places);
        double first = shop.servedByTenant.getOrDefault("small", 0L);
        double second = shop.servedByTenant.getOrDefault("large", 0L);
        return first / (first + second);
    }

    private static Entry waiting(String tenant, int i, int weight, int over, long arrival) {
        Entry e = Entries.of(tenant + "-" + i, tenant, weight, 1, arrival);
        return Entries.of(e.jobId(), tenant, weight, real(e) * over, arrival);
    }

    @Property(tries = 12)
    void equalWeightsAndBacklogGiveEqualSharesWhateverTheEstimates(
            @ForAll @IntRange(min = 1, max = 16) int places,
            @ForAll @IntRange(min = 1, max = 20) int overFirst,
            @ForAll @IntRange(min = 1, max = 20) int overSecond) {
        assertThat(shareOfFirst(fair(), places, 1, overFirst, overSecond)).isCloseTo(0.5, within(0.05));
    }

    @Property(tries = 12)
    void weightsOfFourToOneGiveSharesOfFourToOne(
            @ForAll @IntRange(min = 1, max = 16) int places, @ForAll @IntRange(min = 1, max = 10) int over) {
        double share = shareOfFirst(fair(), places, 4, over, over);
        assertThat(share / (1 - share)).isCloseTo(4, within(0.4));
    }

    @Example
    void firstComeFirstServedDoesNotGiveEqualShares() {
        assertThat(shareOfFirst(new FirstComeQueue(), 4, 1, 1, 1)).isLessThan(0.4);
    }

    /** The quiet tenant's longest wait with and without a flood, in tokens of one job. */
    private static long longestWait(JobQueue queue, int places, boolean flooded, int over, long seed) {
        Shop shop = new Shop(queue, places, e -> 100);
        Random random = new Random(seed);
        int arrival = 0;
        if (flooded) {
            for (int i = 0; i < 2_000; i++) {
                shop.add(Entries.of("flood-" + i, "flood", 1, 100L * over, arrival++));
            }
        }
        for (int i = 0; i < 40; i++) {
            shop.runUntil(shop.now + 300 + random.nextInt(900));
            shop.add(Entries.of("quiet-" + i, "quiet", 1, 100, arrival++));
            for (int f = 0; flooded && f < 100; f++) {
                shop.add(Entries.of("flood-" + i + "-" + f, "flood", 1, 100L * over, arrival++));
            }
        }
        shop.runUntil(Long.MAX_VALUE);
        return shop.waits.entrySet().stream()
                .filter(w -> w.getKey().startsWith("quiet"))
                .mapToLong(Map.Entry::getValue)
                .max()
                .orElseThrow();
    }

    @Property(tries = 20)
    void aQuietTenantWaitsAtMostTwiceItsSoloWaitAndAJobWhileAnotherFloods(
            @ForAll @IntRange(min = 1, max = 8) int places,
            @ForAll @IntRange(min = 1, max = 40) int over,
            @ForAll @LongRange(min = 0, max = 1_000) long seed) {
        long solo = longestWait(fair(), places, false, over, seed);
        assertThat(longestWait(fair(), places, true, over, seed)).isLessThanOrEqualTo(2 * solo + 100);
    }

    @Example
    void firstComeFirstServedMakesAQuietTenantWaitForTheFlood() {
        assertThat(longestWait(new FirstComeQueue(), 2, true, 1, 1)).isGreaterThan(10_000);
    }

    @Property(tries = 12)
    void eachClassIsServedItsShareWhileAllHaveJobsWaiting(@ForAll @IntRange(min = 1, max = 12) int places) {
        Shop shop = new Shop(fair(), places, FairQueueTest::real);
        int arrival = 0;
        for (JobClass c : List.of(JOB_CLASS_INTERACTIVE, JOB_CLASS_BATCH, JOB_CLASS_TRAINING)) {
            for (int i = 0; i < 9_000; i++) {
                shop.add(Entries.of(c + "-" + i, c, "small", "main", 1, 200, arrival++));
            }
        }
        shop.runUntil(SERVED / places);
        double all = shop.servedByClass.values().stream().mapToLong(v -> v).sum();
        assertThat(shop.servedByClass.getOrDefault("JOB_CLASS_INTERACTIVE", 0L) / all)
                .isCloseTo(0.80, within(0.08));
        assertThat(shop.servedByClass.getOrDefault("JOB_CLASS_BATCH", 0L) / all).isCloseTo(0.15, within(0.02));
        assertThat(shop.servedByClass.getOrDefault("JOB_CLASS_TRAINING", 0L) / all)
                .isCloseTo(0.05, within(0.01));
    }

    @Example
    void projectsShareTheirTenantsShareEvenlyAndDoNotEnlargeIt() {
        Shop shop = new Shop(fair(), 4, FairQueueTest::real);
        int arrival = 0;
        for (int i = 0; i < 9_000; i++) {
            for (String project : List.of("p1", "p2", "p3")) {
                shop.add(Entries.of(project + i, JOB_CLASS_INTERACTIVE, "many", project, 1, 150, arrival++));
            }
            shop.add(Entries.of("one" + i, JOB_CLASS_INTERACTIVE, "single", "only", 1, 150, arrival++));
        }
        shop.runUntil(SERVED / 4);
        double all = shop.servedByTenant.values().stream().mapToLong(v -> v).sum();
        assertThat(shop.servedByTenant.getOrDefault("single", 0L) / all).isCloseTo(0.5, within(0.05));
        for (String project : List.of("p1", "p2", "p3")) {
            assertThat(shop.servedByProject.getOrDefault(project, 0L) / all).isCloseTo(1 / 6.0, within(1 / 60.0));
        }
    }

    @Property(tries = 30)
    void allIsServedOnceInWhateverOrderItComesAndNothingIsRemembered(@ForAll Random random) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            JobClass c = random.nextInt(4) == 0 ? JOB_CLASS_BATCH : JOB_CLASS_INTERACTIVE;
            entries.add(Entries.of("j" + i, c, "t" + i % 7, "p" + i % 3, 1 + i % 4, 1 + i * 13L % 400, i));
        }
        Collections.shuffle(entries, random);
        FairQueue queue = fair();
        Shop shop = new Shop(queue, 5, FairQueueTest::real);
        entries.forEach(shop::add);
        shop.runUntil(Long.MAX_VALUE);

        assertThat(new HashSet<>(shop.begun)).hasSize(120);
        assertThat(shop.begun).hasSize(120);
        assertThat(queue.size()).isZero();
        assertThat(shop.servedByTenant.values().stream().mapToLong(v -> v).sum())
                .isEqualTo(entries.stream().mapToLong(FairQueueTest::real).sum());
        // An idle tenant's tag is at most one job ahead: another tenant's service passes it.
        for (int i = 0; i < 40; i++) {
            shop.add(Entries.of("late" + i, JOB_CLASS_INTERACTIVE, "late", "p", 1, 400, 1_000 + i));
            shop.add(Entries.of("lateb" + i, JOB_CLASS_BATCH, "late", "p", 1, 400, 2_000 + i));
        }
        shop.runUntil(Long.MAX_VALUE);
        assertThat(queue.remembered()).isLessThanOrEqualTo(2);
    }

    /** A queue that is stored and restored at some step goes on as if nothing had been, promises in vain included. */
    @Property(tries = 60)
    void aRestartChangesNobodysTurn(@ForAll Random random) {
        FairQueue queue = fair();
        Map<String, Share> store = new HashMap<>();
        Map<String, Entry> waits = new HashMap<>();
        Map<String, Entry> runs = new HashMap<>();
        for (int step = 0; step < 150; step++) {
            int what = random.nextInt(5);
            if (what < 2) {
                JobClass c = random.nextInt(3) == 0 ? JOB_CLASS_BATCH : JOB_CLASS_INTERACTIVE;
                String tenant = "t" + random.nextInt(4);
                Entry e = Entries.of(
                        "j" + step,
                        c,
                        tenant,
                        "p" + random.nextInt(2),
                        1 + tenant.charAt(1) % 3,
                        1 + random.nextInt(300),
                        step);
                queue.add(e);
                waits.put(e.jobId(), e);
            } else if (what < 4 && queue.head().isPresent()) {
                Entry e = queue.head().get();
                queue.take(e.jobId());
                if (random.nextInt(4) == 0) {
                    // given up: it waits again
                    queue.remove(e.jobId());
                    queue.add(e);
                } else {
                    queue.begin(e);
                    waits.remove(e.jobId());
                    runs.put(e.jobId(), e);
                }
            } else if (!runs.isEmpty()) {
                Entry e = runs.values().iterator().next();
                runs.remove(e.jobId());
                queue.end(e.jobId(), random.nextInt(300));
            }
            keep(queue, store);
        }

        FairQueue again = fair();
        store.values().forEach(again::restore);
        waits.values().forEach(again::restoreWaiting);
        runs.values().forEach(again::restoreRunning);
        assertThat(order(again)).isEqualTo(order(queue));
    }

    private static void keep(FairQueue queue, Map<String, Share> store) {
        for (Share s : queue.drainShares()) {
            String key = s.jobClass() + "/" + s.tenant();
            if (s.marks().isEmpty()) {
                store.remove(key);
            } else {
                store.put(key, s);
            }
        }
    }

    private static List<String> order(FairQueue queue) {
        List<String> order = new ArrayList<>();
        while (queue.head().isPresent()) {
            Entry e = queue.head().get();
            queue.take(e.jobId());
            queue.begin(e);
            order.add(e.jobId());
        }
        return order;
    }

    private static Entry limited(String id, String tenant, String project, long arrival, int ofTenant, int ofProject) {
        return new Entry(id, JOB_CLASS_INTERACTIVE, tenant, project, 1, 100, arrival, 0, ofTenant, ofProject);
    }

    @Example
    void aLimitHoldsBackItsTenantAndProjectAndNobodyElse() {
        FairQueue queue = fair();
        queue.add(limited("a1", "a", "p1", 1, 2, 1));
        queue.add(limited("a2", "a", "p1", 2, 2, 1));
        queue.add(limited("a3", "a", "p2", 3, 2, 1));
        queue.add(limited("a4", "a", "p3", 4, 2, 1));
        queue.add(limited("b1", "b", "p1", 5, 0, 0));

        // a2 waits for a1 (its project's limit), and so the third of a's jobs for the tenant's
        assertThat(order(queue)).containsExactlyInAnyOrder("a1", "a3", "b1");
        queue.end("a3", 100);
        assertThat(order(queue)).containsExactly("a4");
        queue.end("a1", 100);
        assertThat(order(queue)).containsExactly("a2");
    }

    @Example
    void aTenantsLimitCountsOverAllClasses() {
        FairQueue queue = fair();
        queue.add(limited("a1", "a", "p1", 1, 1, 0));
        queue.add(new Entry("a2", JOB_CLASS_BATCH, "a", "p1", 1, 100, 2, 0, 1, 0));
        assertThat(order(queue)).hasSize(1);
    }

    @Example
    void batchJobsOfAProjectGoByDeadlineAndThoseWithoutOneLast() {
        FairQueue queue = fair();
        long[] deadlines = {0, 900, 300, 600};
        for (int i = 0; i < 4; i++) {
            queue.add(new Entry("d" + deadlines[i], JOB_CLASS_BATCH, "a", "p", 1, 10, i, deadlines[i], 0, 0));
        }
        assertThat(order(queue)).containsExactly("d300", "d600", "d900", "d0");
    }

    @Example
    void aCancelledJobLeavesItsFlowsTurnWhereItWas() {
        FairQueue queue = fair();
        queue.add(Entries.of("a1", "a", 1, 100, 1));
        queue.add(Entries.of("a2", "a", 1, 100, 2));
        queue.add(Entries.of("b1", "b", 1, 100, 3));
        queue.remove("a1");
        queue.remove("unknown");
        assertThat(order(queue)).containsExactly("a2", "b1");
    }

    @Example
    void anUnusableEntryIsRefusedByName() {
        assertThatThrownBy(() -> Entries.of("j", "acme", 1, 0, 1)).hasMessageContaining("cost 0 of job j");
        assertThatThrownBy(() -> new ClassShares(1, 0, 1)).hasMessageContaining("starve");
    }
}
