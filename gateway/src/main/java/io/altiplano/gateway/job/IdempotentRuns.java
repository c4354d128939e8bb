package io.altiplano.gateway.job;

import com.google.protobuf.InvalidProtocolBufferException;
import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiException;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The jobs of requests with an Idempotency-Key of which this gateway collects the answers: its <em>runs</em>.
 *
 * <p>A gateway holds a run's row by a term that it renews. A run whose gateway died is taken over by any other: it listens where
 * the answer goes, from before the job was sent, and sends the job again; the scheduler takes a job once. So it makes no
 * difference whether the gateway died before the job was sent, after it, in the middle of the answer or at its end.
 */
@ApplicationScoped
class IdempotentRuns {
    private static final Logger LOG = Logger.getLogger(IdempotentRuns.class);
    private static final Duration ROUND = Duration.ofSeconds(1);
    private static final Duration CLEANING = Duration.ofMinutes(1);
    private static final int MOST_TAKEN_OVER = 100;
    private static final int TRIES = 5;

    private final Db db;
    private final JobService jobs;
    private final Submissions submissions;
    private final Dispatcher dispatcher;
    private final Sealer sealer;
    private final JobSettings settings;
    private final UUID holder = UUID.randomUUID();
    private final Map<RequestKey.Name, Run> runs = new ConcurrentHashMap<>();
    private final ScheduledExecutorService rounds = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("idempotent-requests").factory());

    /** A job that this gateway collects the answer of. */
    static final class Run {
        final RequestKey.Name name;
        final String requestHash;
        final JobSubmitted job;
        final SharedAnswer answer;
        final ReentrantLock collecting = new ReentrantLock();
        /** Its row was inserted: what fails after that may be committed all the same. */
        volatile boolean doubtful;

        volatile boolean published;
        volatile long sentAt;

        /** The answer is whole and could not be kept: a later round does. */
        volatile boolean toKeep;

        Run(RequestKey.Name name, String requestHash, JobSubmitted job) {
            this.name = name;
            this.requestHash = requestHash;
            this.job = job;
            this.answer = new SharedAnswer(JobId.parse(job.getJobId()));
        }

        UUID jobId() {
            return answer.id().value();
        }
    }

    @Inject
    IdempotentRuns(
            Db db,
            JobService jobs,
            Submissions submissions,
            Dispatcher dispatcher,
            Sealer sealer,
            JobSettings settings,
            MeterRegistry registry) {
        this.db = db;
        this.jobs = jobs;
        this.submissions = submissions;
        this.dispatcher = dispatcher;
        this.sealer = sealer;
        this.settings = settings;
        Gauge.builder("altiplano.idempotent.open", runs, Map::size)
                .description("Requests with an Idempotency-Key of which this gateway collects the answer")
                .register(registry);
    }

    @Startup
    void start() {
        every(ROUND, this::round);
        every(CLEANING, () -> {
            var unused = db.operator(IdempotentStore::deleteOld);
        });
    }

    void stop(@Observes @Priority(1000) ShutdownEvent event) {
        rounds.shutdownNow();
        handOver();
    }

    /** The run of a key, if this gateway has it. */
    @Nullable
    Run find(RequestKey.Name name) {
        return runs.get(name);
    }

    /**
     * Accepts a request by its row, with the job to send; false if the key was taken meanwhile. If it throws, nothing was accepted,
     * unless the run is then {@link Run#doubtful}.
     */
    boolean commit(RequestKey key, Run run) {
        byte[] sealed = sealer.seal(run.name, run.jobId(), "submission", run.job.toByteArray());
        return db.tenant(key.tenantId(), handle -> {
            boolean inserted = IdempotentStore.insert(
                    handle, key, run.jobId(), sealed, holder, settings.idempotentTerm(), IdempotentRequests.KEPT);
            run.doubtful = inserted;
            return inserted;
        });
    }

    /** Sends a job that was accepted and collects its answer. */
    void begin(Run run, JobStream stream) {
        runs.put(run.name, run);
        collect(run, stream);
        send(run);
    }

    /** From the job's stream to the kept answer, as it comes; on the dispatcher's thread, which must not wait. */
    private void collect(Run run, JobStream stream) {
        stream.onReady(() -> {
            // One at a time, for what is drained must be added in its order.
            run.collecting.lock();
            try {
                List<JobEvent> events = stream.drain();
                if (!events.isEmpty()) {
                    collected(run, events);
                }
            } finally {
                run.collecting.unlock();
            }
        });
    }

    private void collected(Run run, List<JobEvent> events) {
        switch (events.getLast()) {
            case JobEvent.Delta more -> run.answer.add(events);
            case JobEvent.Completed whole -> {
                run.answer.add(events);
                Thread.ofVirtual().name("idempotent-keep").start(() -> keep(run));
            }
            case JobEvent.Failed failed ->
                Thread.ofVirtual().name("idempotent-free").start(() -> {
                    // First the key, then the word: whoever hears it and tries again finds the key free.
                    release(run);
                    run.answer.add(events);
                });
        }
    }

    private void keep(Run run) {
        ReplyDelta whole = run.answer.whole();
        if (whole == null) {
            throw new IllegalStateException("no whole answer of job " + run.job.getJobId());
        }
        byte[] sealed = sealer.seal(run.name, run.jobId(), "answer", whole.toByteArray());
        try {
            var unused = db.tenant(run.name.tenantId(), handle -> {
                IdempotentStore.answer(handle, run.name, run.jobId(), sealed);
                return true;
            });
            runs.remove(run.name, run);
        } catch (RuntimeException e) {
            LOG.warnf("the answer of job %s is kept later: %s", run.job.getJobId(), e.getMessage());
            run.toKeep = true;
        }
    }

    /** Gives a run up and frees its key: there is no answer. */
    void release(Run run) {
        runs.remove(run.name, run);
        var unused = patiently("the key of job " + run.job.getJobId() + " is not freed", () -> {
            var done = db.tenant(run.name.tenantId(), handle -> {
                IdempotentStore.release(handle, run.name, run.jobId());
                return true;
            });
        });
    }

    /** Tries some times; what is left undone is found by whoever takes the row over. */
    private static boolean patiently(String undone, Runnable work) {
        for (int i = 1; i <= TRIES; i++) {
            try {
                work.run();
                return true;
            } catch (RuntimeException e) {
                LOG.warnf("%s (%d of %d): %s", undone, i, TRIES, e.getMessage());
                if (i < TRIES) {
                    try {
                        Thread.sleep(ROUND.multipliedBy(i));
                    } catch (InterruptedException interrupted) {
                        Thread.currentThread().interrupt();
                        return false;
                    }
                }
            }
        }
        return false;
    }

    /** Sends the job; what is not acknowledged is sent again in a later round. */
    private void send(Run run) {
        run.sentAt = System.nanoTime();
        var unused = submissions.submit(run.job).whenComplete((ok, failure) -> {
            if (failure == null) {
                run.published = true;
                Thread.ofVirtual().name("idempotent-sent").start(() -> published(run));
            } else {
                LOG.warnf("submission %s waits in the outbox: %s", run.job.getJobId(), failure.getMessage());
            }
        });
    }

    private void published(Run run) {
        try {
            var unused = db.tenant(run.name.tenantId(), handle -> {
                IdempotentStore.published(handle, run.name, run.jobId());
                return true;
            });
        } catch (RuntimeException e) {
            LOG.debugf("job %s is sent, which is not noted: %s", run.job.getJobId(), e.getMessage());
        }
    }

    private void every(Duration period, Runnable work) {
        var unused = rounds.scheduleWithFixedDelay(
                () -> {
                    try {
                        work.run();
                    } catch (DatabaseUnavailableException e) {
                        LOG.debugf("idempotent requests wait: %s", e.getMessage());
                    } catch (RuntimeException e) {
                        LOG.errorf(e, "a round over idempotent requests failed");
                    }
                },
                period.toMillis(),
                period.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Holds on to this gateway's runs, sends and keeps what is not yet, takes over what nobody holds. */
    void round() {
        if (!dispatcher.ready()) {
            return;
        }
        List<UUID> open = runs.values().stream().map(Run::jobId).toList();
        List<IdempotentStore.Kept> orphans = db.operator(handle -> {
            if (!open.isEmpty()) {
                IdempotentStore.renew(handle, holder, open, settings.idempotentTerm());
            }
            return IdempotentStore.takeOver(handle, holder, settings.idempotentTerm(), MOST_TAKEN_OVER);
        });
        long patience = settings.submitTimeout().toNanos();
        runs.values().stream()
                .filter(run -> !run.published && System.nanoTime() - run.sentAt > patience)
                .forEach(this::send);
        runs.values().stream().filter(run -> run.toKeep).forEach(run -> {
            run.toKeep = false;
            Thread.ofVirtual().name("idempotent-keep").start(() -> keep(run));
        });
        orphans.forEach(orphan -> Thread.ofVirtual().name("idempotent-adopt").start(() -> adopt(orphan)));
    }

    /** Listens where the answer goes, from before the job was sent, and sends the job again. */
    private void adopt(IdempotentStore.Kept orphan) {
        byte[] sealed = orphan.submission();
        if (sealed == null || runs.containsKey(orphan.name())) {
            return;
        }
        try {
            JobSubmitted job = JobSubmitted.parseFrom(sealer.open(orphan.name(), orphan.jobId(), "submission", sealed));
            LOG.infof("job %s: its gateway is gone, this one goes on", job.getJobId());
            Run run = new Run(orphan.name(), orphan.requestHash(), job);
            runs.put(run.name, run);
            try {
                collect(run, jobs.adopt(job));
            } catch (ApiException e) {
                release(run);
                run.answer.add(List.of(new JobEvent.Failed(
                        String.valueOf(e.error().code()), e.error().message())));
                return;
            }
            dispatcher.listenFrom(job.getReplyTo(), orphan.createdAt().minusSeconds(1));
            send(run);
        } catch (GeneralSecurityException | InvalidProtocolBufferException e) {
            LOG.errorf("job %s cannot be opened and is left: another pepper?", orphan.jobId());
        }
    }

    /** This gateway stops: its runs are left to the others, and who waits for them is told to come again. */
    void handOver() {
        List<Run> left = List.copyOf(runs.values());
        runs.clear();
        left.forEach(run -> jobs.forget(run.job.getJobId()));
        try {
            var unused = db.operator(handle -> {
                IdempotentStore.letGo(handle, holder);
                return true;
            });
        } catch (RuntimeException e) {
            LOG.infof("open idempotent requests are left to their term: %s", e.getMessage());
        }
        left.forEach(run -> run.answer.add(List.of(new JobEvent.Failed(
                "shutting_down", "The gateway was stopped; the same Idempotency-Key gives the answer elsewhere."))));
    }
}
