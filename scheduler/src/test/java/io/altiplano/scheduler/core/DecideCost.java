package io.altiplano.scheduler.core;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Samples;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Measures what one decide() or apply() takes while 10,000 jobs wait: {@code java ... DecideCost}. Each round a job ends, its
 * terminal record is read back, the next grant is read back, and a new job comes. Prints one line for each number of tenants.
 */
final class DecideCost {
    private static final int WAITING = 10_000;
    private static final int WORKERS = 8;
    private static final int PLACES = 16;
    private static final int ROUNDS = 30_000;

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(5);
    private final SchedulerCore core = new SchedulerCore(
            Settings.of(5_000).withQueue(WAITING, WAITING, Settings.of(5_000).shares()), "bench");
    private final Deque<JobRecord> log = new ArrayDeque<>();
    private final Deque<JobRecord> running = new ArrayDeque<>();
    private final long[] nanos = new long[ROUNDS * 4];
    private final int tenants;
    private int measured;
    private long now = 1_700_000_000_000L;
    private long offset;
    private long sequence;

    private DecideCost(int tenants) {
        this.tenants = tenants;
    }

    public static void main(String[] args) {
        new DecideCost(500).run();
        for (int tenants : new int[] {1, 10, 50, 500, 5_000}) {
            System.out.println(new DecideCost(tenants).run());
        }
    }

    private String run() {
        carry(core.start(java.util.List.of(), now));
        drain();
        beats();
        for (int i = 0; i < WAITING + WORKERS * PLACES; i++) {
            submit();
            drain();
        }
        measured = 0;
        for (int i = 0; i < ROUNDS; i++) {
            if (i % 500 == 0) {
                now += 50;
                beats();
                carry(core.decide(new Event.Tick(), now));
                drain();
            }
            JobRecord granted = running.remove();
            AttemptEnded.Builder ended = Samples.ended(
                            granted.getGranted().getJobId(),
                            1,
                            granted.getGranted().getOrdinal(),
                            "a",
                            AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED)
                    .setUsage(Samples.usage(5, 1 + random.nextInt(95)));
            timed(() -> carry(core.decide(new Event.Ended(ended.build()), now)));
            drain();
            submit();
        }
        long[] sorted = Arrays.copyOf(nanos, Math.min(measured, nanos.length));
        Arrays.sort(sorted);
        return "tenants=%d waiting=%d p50_us=%.1f p99_us=%.1f p999_us=%.1f mean_us=%.2f"
                .formatted(
                        tenants,
                        core.waiting(),
                        sorted[sorted.length / 2] / 1e3,
                        sorted[(int) (sorted.length * 0.99)] / 1e3,
                        sorted[(int) (sorted.length * 0.999)] / 1e3,
                        Arrays.stream(sorted).average().orElse(0) / 1e3);
    }

    private void timed(Runnable step) {
        long began = System.nanoTime();
        step.run();
        if (measured < nanos.length) {
            nanos[measured++] = System.nanoTime() - began;
        }
    }

    private void beats() {
        sequence++;
        for (int w = 0; w < WORKERS; w++) {
            WorkerHeartbeat.Builder b = Samples.beat(w, "a", sequence).setCapacity(PLACES);
            b.setTotalKvBlocks(100_000).setFreeKvBlocks(100_000);
            running.stream()
                    .map(JobRecord::getGranted)
                    .filter(g -> g.getWorkerId().equals(b.getWorkerId()))
                    .forEach(g -> b.addRunning(Samples.running(g.getJobId(), 1, 1)));
            carry(core.decide(new Event.Heard(b.build()), now));
            drain();
        }
    }

    private void submit() {
        String tenant = "tenant-" + random.nextInt(tenants);
        var job = Samples.job(JobId.create(now, random).toString())
                .setTenantId(tenant)
                .setProjectId("p" + random.nextInt(3))
                .setWeight(1 + Math.floorMod(tenant.hashCode(), 4))
                .build();
        timed(() -> carry(core.decide(new Event.Submitted(job, Samples.at(offset++)), now)));
    }

    private void drain() {
        while (!log.isEmpty()) {
            JobRecord record = log.remove();
            if (record.hasGranted()) {
                running.add(record);
            }
            timed(() -> carry(core.apply(record, offset++, now)));
        }
    }

    private void carry(Outcome outcome) {
        core.drainChanges();
        outcome.decisions().forEach(d -> log.add(d.record()));
    }
}
