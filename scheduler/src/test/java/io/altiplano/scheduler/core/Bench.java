package io.altiplano.scheduler.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.GatewayLost;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.topology.StoredCodec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

/** A core on a bench: what it decides lies in {@link #log} until {@link #readBack} hands it over. */
final class Bench {
    static final long TERM = 5_000;

    private final Settings settings = Settings.of(TERM);
    private final Map<String, Stored> store = new LinkedHashMap<>();
    private int starts;
    private long submissions;
    private long read;

    SchedulerCore core;
    long now = 1_700_000_000_000L;
    final Deque<JobRecord> log = new ArrayDeque<>();
    final List<JobRecord> written = new ArrayList<>();
    final List<WorkRecord> work = new ArrayList<>();
    final List<NoticeRecord> notices = new ArrayList<>();
    final List<Effect.Happened> happened = new ArrayList<>();

    Bench() {
        core = restarted();
        readBack();
    }

    private SchedulerCore restarted() {
        SchedulerCore next = new SchedulerCore(settings, "incarnation-" + ++starts);
        core = next;
        carry(next.start(List.copyOf(store.values()), now));
        return next;
    }

    /** Dies and comes back with what the store holds; what was not read back yet is still to be read. */
    void restart() {
        core = restarted();
    }

    private void carry(Outcome outcome) {
        for (Change c : core.drainChanges()) {
            Stored value = c.value();
            if (value == null) {
                store.remove(c.key());
            } else {
                store.put(c.key(), StoredCodec.read(StoredCodec.write(value, 0)));
            }
        }
        for (Decision d : outcome.decisions()) {
            log.add(d.record());
            written.add(d.record());
        }
        for (Effect e : outcome.effects()) {
            switch (e) {
                case Effect.Work w -> work.add(w.record());
                case Effect.Notice n -> notices.add(n.record());
                case Effect.Happened h -> happened.add(h);
            }
        }
    }

    void decide(Event event) {
        carry(core.decide(event, now));
    }

    /** The worker of a job's attempt boots anew, so that the job's gateway is asked what its client has. */
    void lose(String id, int epoch, String nextBoot) {
        beat(Samples.beat(0, nextBoot, 1));
        readBack();
        assertThat(phase(id)).isEqualTo(new Phase.AwaitingRelay(epoch + 1));
    }

    /** Acme loses its right, to one model or with an empty name to all of them. */
    void withdraw(String model, long epoch) {
        decide(new Event.Withdrawn(RightWithdrawn.newBuilder()
                .setTenantId("acme")
                .setModel(model)
                .setLicenceEpoch(epoch)
                .setReason("grant ended")
                .build()));
        readBack();
    }

    /** A gateway is known to be gone. */
    void desert(String gateway) {
        decide(new Event.Deserted(GatewayLost.newBuilder().setGateway(gateway).build()));
        readBack();
    }

    void apply(JobRecord record) {
        carry(core.apply(record, read++, now));
    }

    /** Reads back all that is on its way, and what follows from it. */
    void readBack() {
        while (!log.isEmpty()) {
            apply(log.remove());
        }
    }

    /** Time passes in ticks of 100 ms, read-back included. */
    void pass(long ms) {
        for (long end = now + ms; now < end; ) {
            now = Math.min(end, now + 100);
            decide(new Event.Tick());
            readBack();
        }
    }

    /** Submits a job; returns its id. */
    String submit(JobSubmitted.Builder job) {
        decide(new Event.Submitted(job.build(), Samples.at(submissions++)));
        return job.getJobId();
    }

    String submit() {
        return submit(Samples.job(Samples.jobId()));
    }

    void beat(WorkerHeartbeat.Builder beat) {
        decide(new Event.Heard(beat.build()));
    }

    void end(AttemptEnded.Builder ended) {
        decide(new Event.Ended(ended.build()));
    }

    /** A job running as epoch 1 on worker 0, boot "a". */
    String running() {
        beat(Samples.beat(0, "a", 1));
        String id = submit();
        readBack();
        return id;
    }

    Phase phase(String id) {
        return core.job(id).orElseThrow().phase();
    }

    JobFinished finished(String id) {
        List<JobFinished> all = written.stream()
                .filter(r -> r.getFinished().getJobId().equals(id))
                .map(JobRecord::getFinished)
                .toList();
        if (all.size() != 1) {
            throw new NoSuchElementException(id + " has " + all.size() + " terminal records: " + written);
        }
        return all.getFirst();
    }

    List<JobRecord> about(String id) {
        return written.stream()
                .filter(r -> r.getGranted().getJobId().equals(id)
                        || r.getExpired().getJobId().equals(id)
                        || r.getFinished().getJobId().equals(id))
                .toList();
    }

    Map<String, Stored> store() {
        return store;
    }
}
