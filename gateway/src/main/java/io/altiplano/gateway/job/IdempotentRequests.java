package io.altiplano.gateway.job;

import com.google.protobuf.InvalidProtocolBufferException;
import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.job.IdempotentRuns.Run;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Requests with an Idempotency-Key: the same key gives the same answer for {@link #KEPT}, however often and wherever it is
 * asked for.
 *
 * <p>A request is accepted by the commit of its row, which holds the job to send: the outbox. Of many that race for a key one
 * inserts it; the others read that one's answer. The gateway that inserted sends the job and collects the answer ({@link
 * IdempotentRuns}).
 *
 * <p>A client that hangs up cancels nothing, for it may ask again. A job that was not finished costs nothing, is no answer,
 * and frees its key. Prompts and answers are sealed ({@link Sealer}), and another tenant's rows are not there.
 */
@ApplicationScoped
public class IdempotentRequests {
    /** How long a key gives the same answer. */
    static final Duration KEPT = Duration.ofHours(24);

    private static final Logger LOG = Logger.getLogger(IdempotentRequests.class);
    private static final Duration LOOK = Duration.ofMillis(150);
    private static final int LOCKS = 256;

    private final Db db;
    private final JobService jobs;
    private final IdempotentRuns runs;
    private final Sealer sealer;
    private final JobSettings settings;
    private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

    @Inject
    IdempotentRequests(Db db, JobService jobs, IdempotentRuns runs, Sealer sealer, JobSettings settings) {
        this.db = db;
        this.jobs = jobs;
        this.runs = runs;
        this.sealer = sealer;
        this.settings = settings;
        for (int i = 0; i < LOCKS; i++) {
            locks[i] = new ReentrantLock();
        }
    }

    /**
     * A request that was found good.
     *
     * @param job what to send
     * @param right as for {@link JobService#submit}
     * @param ended run when the job has ended, or may have been accepted although nobody said so
     * @param refused run where nothing was accepted
     */
    public record Accepted(JobSubmitted.Builder job, LongSupplier right, Runnable ended, Runnable refused) {}

    /**
     * The answer to a request that was accepted before under this key, or of the one that is accepted now. Of requests that
     * come to this gateway at once under one key, one goes through {@code accept} and the others wait for it.
     *
     * @param accept checks the request and gives its job, or throws; called at most once, and not where the key is known
     * @throws ApiException 409 if the key was used for another request; what {@code accept} and the right throw: then nothing
     *     was accepted and the key is free
     */
    public AnswerStream answer(RequestKey key, Supplier<Accepted> accept) {
        ReentrantLock lock = locks[Math.floorMod(key.name().hashCode(), LOCKS)];
        lock.lock();
        try {
            Optional<AnswerStream> known = find(key);
            if (known.isPresent()) {
                return known.get();
            }
            return submit(key, accept.get())
                    .or(() -> find(key))
                    .orElseThrow(() -> new ApiException(ApiError.unavailable(
                            "idempotent_request_failed",
                            "Another request with this Idempotency-Key has just failed; try again.",
                            Duration.ofSeconds(1))));
        } finally {
            lock.unlock();
        }
    }

    private Optional<AnswerStream> find(RequestKey key) {
        Run run = runs.find(key.name());
        if (run != null) {
            requireSame(key, run.requestHash);
            return Optional.of(run.answer.reader());
        }
        return look(key.name()).map(kept -> {
            requireSame(key, kept.requestHash());
            SharedAnswer answer = kept(kept);
            return answer == null ? elsewhere(kept) : answer.reader();
        });
    }

    private Optional<IdempotentStore.Kept> look(RequestKey.Name name) {
        return db.tenant(name.tenantId(), handle -> IdempotentStore.find(handle, name));
    }

    private static void requireSame(RequestKey key, String hash) {
        if (!key.requestHash().equals(hash)) {
            throw new ApiException(
                    ApiError.conflict(
                            "idempotency_key_reused",
                            "This Idempotency-Key was used for another request in the last 24 hours; send a new key, or the same body."));
        }
    }

    /** Commits the request with its job, sends the job and collects the answer; empty if the key was taken meanwhile. */
    private Optional<AnswerStream> submit(RequestKey key, Accepted accepted) {
        JobStream stream;
        try {
            stream = jobs.open(accepted.job(), accepted.right());
        } catch (RuntimeException e) {
            accepted.refused().run();
            throw e;
        }
        Run run = new Run(key.name(), key.requestHash(), accepted.job().build());
        try {
            if (!runs.commit(key, run)) {
                jobs.forget(stream);
                accepted.refused().run();
                return Optional.empty();
            }
        } catch (RuntimeException e) {
            jobs.forget(stream);
            if (run.doubtful) {
                // It may be committed all the same: then the row is taken over after its term, and the next request
                // finds it.
                accepted.ended().run();
            } else {
                accepted.refused().run();
            }
            throw e;
        }
        stream.onEnd(accepted.ended());
        AnswerStream reader = run.answer.reader();
        runs.begin(run, stream);
        try {
            jobs.confirm(stream, run.job.getModel(), accepted.right());
        } catch (ApiException e) {
            runs.release(run);
            accepted.refused().run();
            throw e;
        }
        return Optional.of(reader);
    }

    /** The answer of a run that another gateway, or nobody at the moment, collects: looked for until it is there. */
    private AnswerStream elsewhere(IdempotentStore.Kept open) {
        SharedAnswer answer = new SharedAnswer(new JobId(open.jobId()));
        AnswerStream reader = answer.reader();
        Thread.ofVirtual().name("idempotent-wait").start(() -> {
            long until = System.nanoTime() + settings.longest().toNanos();
            while (answer.read() && !answer.ended()) {
                answer.add(ask(open, until));
            }
        });
        return reader;
    }

    private List<JobEvent> ask(IdempotentStore.Kept open, long until) {
        try {
            Thread.sleep(LOOK);
            Optional<IdempotentStore.Kept> now = look(open.name());
            if (now.isEmpty() || !now.get().jobId().equals(open.jobId())) {
                return List.of(new JobEvent.Failed(
                        "idempotent_request_failed",
                        "The request of this Idempotency-Key was not finished; try again."));
            }
            SharedAnswer answer = kept(now.get());
            if (answer != null) {
                return answer.reader().drain();
            }
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("looking for an answer: %s", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of(new JobEvent.Failed("shutting_down", "The gateway was stopped."));
        }
        return System.nanoTime() < until
                ? List.of()
                : List.of(new JobEvent.Failed("deadline_exceeded", "The answer was not complete in time; try again."));
    }

    private @Nullable SharedAnswer kept(IdempotentStore.Kept kept) {
        byte[] sealed = kept.answer();
        if (sealed == null) {
            return null;
        }
        try {
            byte[] answer = sealer.open(kept.name(), kept.jobId(), "answer", sealed);
            return SharedAnswer.of(new JobId(kept.jobId()), ReplyDelta.parseFrom(answer));
        } catch (GeneralSecurityException | InvalidProtocolBufferException e) {
            throw new IllegalStateException(
                    "the answer of job " + kept.jobId() + " cannot be opened: another pepper?", e);
        }
    }
}
