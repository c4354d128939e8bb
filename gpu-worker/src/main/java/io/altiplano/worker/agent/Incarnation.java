package io.altiplano.worker.agent;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.AttemptStarted;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.worker.agent.Attempt.Stop;
import io.altiplano.worker.engine.Ending;
import io.altiplano.worker.engine.GenerationRequest;
import io.altiplano.worker.engine.ModelObserver;
import io.altiplano.worker.engine.ModelStore;
import io.altiplano.worker.engine.ModelUnavailableException;
import io.altiplano.worker.engine.Progress;
import io.altiplano.worker.engine.Refusal;
import io.altiplano.worker.engine.ServedModel;
import io.altiplano.worker.engine.StepReport;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * One boot of a worker: what it was granted, and what it says of it. An attempt is listed in heartbeats from its grant until its
 * end is acknowledged.
 *
 * <p>Every attempt ends in exactly one AttemptEnded, sent after its last reply is acknowledged; but for attempts that are
 * abandoned because the leases may be lost: those end in silence, since the scheduler gives them elsewhere.
 */
final class Incarnation implements AutoCloseable {
    /** Of an attempt that read and wrote no token. */
    private static final Ending NOTHING = new Ending(Ending.Reason.CANCELLED, 0, 0, 0, "");

    private final AgentSettings settings;
    private final String bootId;
    private final ModelStore models;
    private final Clock clock;
    private final Outbox outbox;
    private final Submissions submissions;
    private final AgentLog log;
    private final Heartbeats heartbeats;
    private final Map<String, Attempt> attempts = new ConcurrentHashMap<>();
    private final WorkRecords work;
    private final Map<String, StepReplies> repliesByModel = new ConcurrentHashMap<>();
    private final ModelObserver flusher = this::flush;

    private final CountDownLatch draining = new CountDownLatch(1);
    /**
     * Ends that follow from what the broker answered. Not on the producer's own thread, which brings the answers: should sending have
     * to wait for where a topic's partitions are, it would wait for itself.
     */
    private final ExecutorService ends = Executors.newSingleThreadExecutor(
            Thread.ofVirtual().name("attempt-ends").factory());

    Incarnation(
            AgentSettings settings, String bootId, KafkaConfig kafka, Topics topics, ModelStore models, Clock clock) {
        this.settings = settings;
        this.bootId = bootId;
        this.models = models;
        this.clock = clock;
        this.log = new AgentLog(settings.workerId(), bootId);
        this.heartbeats = new Heartbeats(settings, bootId, models, clock);
        this.outbox = new Outbox(kafka.producer(), topics, settings.pool());
        this.submissions = new Submissions(kafka.consumer(), topics);
        this.work = new WorkRecords(
                bootId,
                outbox,
                log,
                clock,
                this::grant,
                cancel -> stop(cancel.getJobId(), cancel.getEpoch(), Stop.CANCELLED));
        models.observe(flusher);
    }

    String bootId() {
        return bootId;
    }

    Outbox outbox() {
        return outbox;
    }

    AgentLog log() {
        return log;
    }

    WorkerHeartbeat heartbeat(long sequence) {
        return heartbeats.now(sequence, attempts(), draining());
    }

    List<Attempt> attempts() {
        return List.copyOf(attempts.values());
    }

    boolean draining() {
        return draining.getCount() == 0;
    }

    /** Takes a work record; one that cannot be taken is buried and skipped. */
    void work(ConsumerRecord<String, byte[]> found) {
        work.take(found);
    }

    private void grant(Grant grant) {
        String key = key(grant.getJobId(), grant.getEpoch());
        Attempt attempt = new Attempt(grant);
        attempts.put(key, attempt);
        if (draining()) {
            stop(grant.getJobId(), grant.getEpoch(), Stop.DRAINED);
            return;
        }
        Thread.ofVirtual().name("grant-" + key).start(() -> prepare(attempt, grant));
    }

    /** Reads the submission, loads the model if need be, and lets the engine begin. */
    private void prepare(Attempt attempt, Grant grant) {
        boolean submitted = false;
        try {
            JobSubmitted job = submissions.submitted(grant);
            JobRelayed relayed = submissions.relayed(grant);
            attempt.replyTo(job.getReplyTo(), job.getStream());
            outbox.attempt(started(attempt), error -> warnIfFailed("attempt_started", attempt, error));
            log.info("attempt_started", attempt.jobId(), attempt.epoch(), "model=" + job.getModel());
            ServedModel model = models.get(job.getModel());
            if (!job.getAdapter().isEmpty()) {
                attempt.adapter(model.adapters().acquire(job.getAdapter()));
            }
            GenerationRequest request = Requests.of(job, relayed, attempt.adapter());
            Optional<Refusal> refusal = model.engine().refuse(request);
            if (refusal.isPresent()) {
                reject(
                        attempt,
                        refusal.get().code().name().toLowerCase(Locale.ROOT),
                        refusal.get().message());
                return;
            }
            if (attempt.stopped() == null) {
                attempt.generating(
                        model.engine().submit(request, progress -> progressed(attempt, model.id(), progress)));
                submitted = true;
            }
        } catch (Submissions.SubmissionUnreadableException e) {
            fault(attempt, "submission_unreadable", String.valueOf(e.getMessage()));
        } catch (ModelUnavailableException e) {
            reject(attempt, e.code().name().toLowerCase(Locale.ROOT), String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            fault(attempt, "worker_fault", "interrupted while it waited for memory for the adapter");
        } catch (IllegalArgumentException e) {
            reject(attempt, "invalid_request", String.valueOf(e.getMessage()));
        } catch (RuntimeException | Error e) {
            // An attempt that stayed listed in heartbeats without running would hold its lease for ever.
            fault(attempt, "worker_fault", e.toString());
        } finally {
            if (!submitted) {
                attempt.releaseAdapter();
            }
        }
    }

    /** On the engine's thread. */
    private void progressed(Attempt attempt, String model, Progress progress) {
        Stop stopped = attempt.stopped();
        if (progress.ending() != null) {
            attempt.releaseAdapter();
        }
        if (stopped == Stop.ABANDONED) {
            return;
        }
        Ending ending = progress.ending();
        if (ending != null && ending.reason() != Ending.Reason.STOP && ending.reason() != Ending.Reason.LENGTH) {
            endStopped(attempt, stopped, ending);
            return;
        }
        StepReplies replies = repliesByModel.computeIfAbsent(model, m -> new StepReplies());
        replies.add(
                attempt.replies().partition(),
                attempt.replies().deltas(progress),
                error -> whenReplied(attempt, ending, error),
                outbox);
    }

    private void whenReplied(Attempt attempt, @Nullable Ending ending, @Nullable Exception error) {
        if (error == null && ending == null) {
            return;
        }
        try {
            ends.execute(() -> replied(attempt, ending, error));
        } catch (RejectedExecutionException e) {
            log.info("reply_after_close", attempt.jobId(), attempt.epoch(), "");
        }
    }

    private void replied(Attempt attempt, @Nullable Ending ending, @Nullable Exception error) {
        if (error != null) {
            fault(attempt, "reply_undeliverable", String.valueOf(error.getMessage()));
            attempt.stop(Stop.ABANDONED);
        } else if (ending != null) {
            end(attempt, AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED, ending, "", "");
        }
    }

    private void endStopped(Attempt attempt, @Nullable Stop stopped, Ending ending) {
        if (ending.reason() == Ending.Reason.FAULTED || stopped == null) {
            end(attempt, AttemptOutcome.ATTEMPT_OUTCOME_FAULTED, ending, "engine_fault", ending.message());
        } else {
            end(attempt, Attempt.outcome(stopped), ending, errorCode(stopped), errorMessage(stopped));
        }
    }

    private void stop(String jobId, int epoch, Stop why) {
        Attempt attempt = attempts.get(key(jobId, epoch));
        if (attempt == null) {
            log.info("stop_ignored", jobId, epoch, "reason=" + why);
            return;
        }
        log.info("attempt_stopping", jobId, epoch, "reason=" + why);
        if (attempt.stop(why)) {
            end(attempt, Attempt.outcome(why), NOTHING, errorCode(why), errorMessage(why));
        }
    }

    private void reject(Attempt attempt, String code, String message) {
        end(attempt, AttemptOutcome.ATTEMPT_OUTCOME_REJECTED, NOTHING, code, message);
    }

    private void fault(Attempt attempt, String code, String message) {
        end(attempt, AttemptOutcome.ATTEMPT_OUTCOME_FAULTED, NOTHING, code, message);
    }

    /** Ends an attempt once; it stays listed in heartbeats until the broker has its end. */
    private void end(Attempt attempt, AttemptOutcome outcome, Ending ending, String code, String message) {
        if (!attempt.end()) {
            return;
        }
        AttemptEnded ended = AttemptEnded.newBuilder()
                .setJobId(attempt.jobId())
                .setEpoch(attempt.epoch())
                .setWorkerId(settings.workerId())
                .setBootId(bootId)
                .setOutcome(outcome)
                .setUsage(ReplyStream.usage(ending))
                .setFinishReason(ReplyStream.finishReason(ending))
                .setErrorCode(code)
                .setErrorMessage(message)
                .setAtMs(clock.millis())
                .build();
        Usage usage = ended.getUsage();
        log.info(
                "attempt_ended",
                attempt.jobId(),
                attempt.epoch(),
                "outcome=" + outcome + " prompt=" + usage.getPromptTokens() + " completion="
                        + usage.getCompletionTokens()
                        + (code.isEmpty() ? "" : " code=" + code + " message=" + message));
        outbox.attempt(AttemptRecord.newBuilder().setEnded(ended).build(), error -> {
            warnIfFailed("attempt_ended", attempt, error);
            attempts.remove(key(attempt.jobId(), attempt.epoch()));
        });
    }

    private AttemptRecord started(Attempt attempt) {
        return AttemptRecord.newBuilder()
                .setStarted(AttemptStarted.newBuilder()
                        .setJobId(attempt.jobId())
                        .setEpoch(attempt.epoch())
                        .setWorkerId(settings.workerId())
                        .setBootId(bootId)
                        .setAtMs(clock.millis()))
                .build();
    }

    /** A model's step is over: what it made goes out. On that engine's thread. */
    private void flush(String model, StepReport report) {
        StepReplies replies = repliesByModel.get(model);
        if (replies != null) {
            replies.flush(outbox);
        }
    }

    /** From now on new grants end at once, so that they are given elsewhere. */
    void startDraining() {
        draining.countDown();
    }

    /** Waits until the next heartbeat is due: after a while, or at once if draining began and was not told yet. */
    void awaitHeartbeat(Duration interval, boolean toldOfDraining) throws InterruptedException {
        if (toldOfDraining) {
            TimeUnit.NANOSECONDS.sleep(interval.toNanos());
        } else {
            draining.await(interval.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    /** Ends what still runs as faulted, so that it goes on elsewhere. */
    void stopForDrain() {
        attempts().forEach(a -> stop(a.jobId(), a.epoch(), Stop.DRAINED));
    }

    /** The leases may be lost: ends everything and says nothing more of it. */
    void abandon() {
        for (Attempt attempt : attempts()) {
            log.warn("attempt_abandoned", attempt.jobId(), attempt.epoch(), "");
            attempt.stop(Stop.ABANDONED);
            attempt.end();
        }
        attempts.clear();
    }

    /** Stops what still runs and lets go of Kafka; what was not sent is dropped. */
    @Override
    public void close() {
        abandon();
        models.forget(flusher);
        submissions.close();
        outbox.close();
        ends.shutdown();
    }

    private void warnIfFailed(String event, Attempt attempt, @Nullable Exception error) {
        if (error != null) {
            log.warn(
                    "send_failed",
                    attempt.jobId(),
                    attempt.epoch(),
                    "record=" + event + " error=" + error.getMessage());
        }
    }

    private static String errorCode(Stop stop) {
        return switch (stop) {
            case CANCELLED, ABANDONED -> "";
            case DRAINED -> "draining";
        };
    }

    private static String errorMessage(Stop stop) {
        return stop == Stop.DRAINED ? "the worker is shutting down" : "";
    }

    private static String key(String jobId, int epoch) {
        return jobId + "/" + epoch;
    }
}
