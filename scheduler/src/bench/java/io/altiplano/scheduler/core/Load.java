package io.altiplano.scheduler.core;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.queue.FairQueue;
import io.altiplano.scheduler.queue.JobQueue;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A core with 10,000 jobs waiting and 128 running on 8 workers, and its next inputs, endlessly: an attempt ends, its terminal record is
 * read back, the grant that follows is read back, a job comes; and each 500 rounds heartbeats and a tick. What the inputs are made of
 * is made in {@link #next}, and what the core is asked to do in {@link #step}, so that the latter alone is measured.
 */
final class Load {
    static final int WAITING = 10_000;
    private static final int WORKERS = 8;
    private static final int PLACES = 16;
    private static final int BEAT_EVERY = 500;
    private static final Settings SETTINGS =
            Settings.of(5_000).withQueue(WAITING, WAITING, Settings.of(5_000).shares());

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(5);
    private final SchedulerCore core;
    private final Deque<JobRecord> log = new ArrayDeque<>();
    private final Deque<JobRecord> running = new ArrayDeque<>();
    private final Deque<Event> events = new ArrayDeque<>();
    private final int tenants;
    private long now = 1_700_000_000_000L;
    private long submissions;
    private long read;
    private long sequence;
    private long rounds;

    Load(int tenants) {
        this(tenants, pool -> new FairQueue(pool, SETTINGS.shares()));
    }

    /** With a queue of another making. */
    Load(int tenants, Function<String, JobQueue> discipline) {
        this.tenants = tenants;
        core = new SchedulerCore(SETTINGS, "bench", discipline);
        carry(core.start(List.of(), now));
        beats();
        for (int i = 0; i < WAITING + WORKERS * PLACES; i++) {
            events.add(submission());
        }
        while (!log.isEmpty() || !events.isEmpty()) {
            next();
            step();
        }
        if (core.waiting() < WAITING - PLACES || core.leased() != WORKERS * PLACES) {
            throw new IllegalStateException(core.waiting() + " wait, " + core.leased() + " run");
        }
    }

    /** Makes the next input if there is none. */
    void next() {
        if (log.isEmpty() && events.isEmpty()) {
            if (rounds++ % BEAT_EVERY == 0) {
                now += 50;
                beats();
                events.add(new Event.Tick());
            }
            events.add(new Event.Ended(ended(running.remove())));
            events.add(submission());
        }
    }

    /** One decide() or apply(), and taking what follows from it. */
    Outcome step() {
        JobRecord record = log.poll();
        if (record == null) {
            return carry(core.decide(events.remove(), now));
        }
        if (record.hasGranted()) {
            running.add(record);
        }
        return carry(core.apply(record, read++, now));
    }

    private Outcome carry(Outcome outcome) {
        core.drainChanges();
        for (Decision d : outcome.decisions()) {
            log.add(d.record());
        }
        return outcome;
    }

    private AttemptEnded ended(JobRecord granted) {
        return Samples.ended(
                        granted.getGranted().getJobId(),
                        1,
                        granted.getGranted().getOrdinal(),
                        "a",
                        AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED)
                .setUsage(Samples.usage(5, 1 + random.nextInt(95)))
                .build();
    }

    private Event submission() {
        String tenant = "tenant-" + random.nextInt(tenants);
        JobSubmitted job = Samples.job(JobId.create(now, random).toString())
                .setTenantId(tenant)
                .setProjectId("p" + random.nextInt(3))
                .setWeight(1 + Math.floorMod(tenant.hashCode(), 4))
                .build();
        return new Event.Submitted(job, Samples.at(submissions++));
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
            events.add(new Event.Heard(b.build()));
        }
    }
}
