package io.altiplano.gateway.job;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.JobSubmittedOrBuilder;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.Retrying;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.gateway.job.EndedRights.Right;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * The open jobs of this gateway: submits them, routes what comes back to their streams, cancels them.
 *
 * <p>A job is open from before its submission is sent (an answer may be quicker than the acknowledgement) until its stream
 * ends. A stream that ended with a whole answer is remembered a while, because its worker can be lost between the last token
 * and its report: the scheduler then asks, and is told that the job is complete, with its counts. So is one that was refused
 * although Kafka may hold it: the scheduler is told that nobody waits for it.
 */
@ApplicationScoped
public class JobService {
    private static final Logger LOG = Logger.getLogger(JobService.class);
    private static final String DEADLINE_EXCEEDED = "deadline_exceeded";
    private static final Duration SUCCEEDED_BUT_SILENT = Duration.ofSeconds(5);

    private final Submissions submissions;
    private final ReplyLease lease;
    private final GatewayWatch living;
    private final JobSettings settings;
    private final JobMetrics metrics;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, OpenJob> jobs = new ConcurrentHashMap<>();
    private final EndedRights endedRights = new EndedRights();
    private final EndedKeys endedKeys = new EndedKeys();

    @Inject
    JobService(
            Submissions submissions,
            ReplyLease lease,
            GatewayWatch living,
            JobSettings settings,
            JobMetrics metrics,
            Clock clock) {
        this.submissions = submissions;
        this.lease = lease;
        this.living = living;
        this.settings = settings;
        this.metrics = metrics;
        this.clock = clock;
        metrics.openStreams(this::openStreams);
    }

    /** An id for a job that will be submitted: what is reserved for it before has its name already. */
    public JobId newId() {
        return JobId.create(clock.millis(), random);
    }

    /**
     * Queues a job. Its reply address, submit time and licence epoch are set here, and its id if it has none.
     *
     * <p>This process may stand still at any moment, so the right is asked for right before the job is sent and again when
     * it is acknowledged. What stands still in between is sent with its old epoch, and refused by the scheduler.
     *
     * @param right gives the licence epoch under which the job is permitted now, or throws
     * @return the stream of its answer
     * @throws ApiException 503 where Kafka or the reply lease is away; 403 {@code right_withdrawn} where the right has ended,
     *     or what {@code right} throws: then nothing was accepted
     */
    public JobStream submit(JobSubmitted.Builder job, LongSupplier right) {
        // Its client is connected to this process; without it nobody wants the answer.
        JobStream stream = open(job.setGateway(living.self().toString()), right);
        try {
            submissions
                    .send(
                            job.getPool(),
                            SubmissionRecord.newBuilder().setSubmitted(job).build())
                    .get(settings.submitTimeout().toMillis() + 500, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.warnf("submission %s not acknowledged: %s", stream.id(), e.getMessage());
            refuse(stream, "submission_failed");
            throw unavailable("The queue is not reachable at the moment; try again.");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            refuse(stream, "submission_failed");
            throw unavailable("The request was interrupted before it was queued; try again.");
        }
        confirm(stream, job.getModel(), right);
        return stream;
    }

    /** Everything but the sending: from here on the job's answer finds its stream. */
    JobStream open(JobSubmitted.Builder job, LongSupplier right) {
        ReplyAddress address = lease.current()
                .orElseThrow(() -> unavailable("The gateway holds no reply partition at the moment; try again."));
        long now = clock.millis();
        JobId id = job.getJobId().isEmpty() ? newId() : JobId.parse(job.getJobId());
        job.setJobId(id.toString()).setReplyTo(address).setSubmittedAtMs(now);
        // Only a stream has a reader that can fall behind; a whole answer comes as one record.
        int bound = job.getStream() ? settings.unreadTokens() : Integer.MAX_VALUE;
        JobStream stream = new JobStream(id, job.getPool(), address, job.getPromptTokensCount(), bound, this::cancel);
        if (job.getDeadlineMs() == 0) {
            // Also without this gateway nothing runs for longer.
            job.setDeadlineMs(now + settings.longest().toMillis());
        }
        long epoch = right.getAsLong();
        job.setLicenceEpoch(epoch);
        register(stream, job, left(job.getDeadlineMs() - now));
        return stream;
    }

    private Duration left(long millis) {
        return Duration.ofMillis(Math.max(settings.longest().toMillis(), millis));
    }

    private void register(JobStream stream, JobSubmittedOrBuilder job, Duration left) {
        Right used = new Right(job.getTenantId(), job.getModel());
        jobs.put(stream.id().toString(), new OpenJob(stream, used, job.getLicenceEpoch(), job.getApiKeyId(), left));
        // After the job is in the list: a withdrawal, or a key's end, sees either the list with it or is seen here.
        try {
            endedRights.check(used, job.getLicenceEpoch());
            endedKeys.check(job.getApiKeyId());
        } catch (ApiException e) {
            jobs.remove(stream.id().toString());
            throw e;
        }
    }

    /** Asks for the right again once the job is on its way; a job without it is called back. */
    void confirm(JobStream stream, String model, LongSupplier right) {
        try {
            var unused = right.getAsLong();
        } catch (ApiException e) {
            refuse(stream, EndedRights.CODE);
            throw e;
        }
        metrics.submitted(stream, model);
    }

    /** The stream of a job that another gateway accepted, at the address to which its answer goes. */
    JobStream adopt(JobSubmitted job) {
        JobStream stream = new JobStream(
                JobId.parse(job.getJobId()),
                job.getPool(),
                job.getReplyTo(),
                job.getPromptTokensCount(),
                Integer.MAX_VALUE,
                this::cancel);
        register(stream, job, left(job.getDeadlineMs() - clock.millis()));
        return stream;
    }

    /** Gives a job up without a word to anybody: it was never sent, or another gateway goes on with it. */
    void forget(JobStream stream) {
        forget(stream.id().toString());
    }

    /** As {@link #forget(JobStream)}, by the job's id. */
    void forget(String job) {
        jobs.remove(job);
    }

    /**
     * A right has ended: its streams end with {@code right_withdrawn}, and what was permitted below the epoch is not sent any
     * more. Again is no harm.
     *
     * @param message why, for the client
     */
    public void withdraw(String tenantId, String model, long epoch, String message) {
        Right right = new Right(tenantId, model);
        if (!endedRights.end(right, epoch, message)) {
            return;
        }
        cutAll(
                open -> open.right().equals(right) && endedRights.ends(right, open.licenceEpoch()),
                EndedRights.CODE,
                new JobEvent.Failed(EndedRights.CODE, message));
    }

    /** The API keys with which those answers were asked for that have not ended. */
    Set<String> keysInUse() {
        return jobs.values().stream()
                .filter(open -> !open.stream().ended() && !open.apiKeyId().isEmpty())
                .map(OpenJob::apiKeyId)
                .collect(Collectors.toSet());
    }

    /** An API key was revoked: the answers that were asked for with it end with {@code api_key_revoked}. Again is no harm. */
    void endKey(String apiKeyId) {
        endedKeys.end(apiKeyId);
        cutAll(
                open -> open.apiKeyId().equals(apiKeyId),
                EndedKeys.CODE,
                new JobEvent.Failed(EndedKeys.CODE, EndedKeys.MESSAGE));
    }

    private void cutAll(Predicate<OpenJob> which, String reason, JobEvent.Failed told) {
        for (OpenJob open : List.copyOf(jobs.values())) {
            if (which.test(open)) {
                cut(open.stream(), reason, told, true);
            }
        }
    }

    /**
     * What Kafka may hold although it did not say so is called back; the client was sent away. It is remembered a while, for should
     * the scheduler ask for it, it did not hear that.
     */
    private void refuse(JobStream stream, String reason) {
        stream.fail(new JobEvent.Failed(reason, "not queued"), false);
        jobs.computeIfPresent(stream.id().toString(), (id, open) -> open.refused(settings.remembered()));
        sendCancelled(stream, reason, 0, 0);
    }

    private void cancel(JobStream stream, String reason) {
        if (stream.fail(new JobEvent.Failed("cancelled", "The job was cancelled: " + reason + "."), false)) {
            LOG.debugf("job %s cancelled: %s", stream.id(), reason);
            sendCancelled(stream, reason, stream.relayedTokens(), stream.promptTokens());
            ended(stream, "cancelled");
        }
    }

    /** As {@link #cancel}, but the client is still there and is told why. */
    private void cut(JobStream stream, String reason, JobEvent.Failed told, boolean keepUnread) {
        if (stream.fail(told, keepUnread)) {
            sendCancelled(stream, reason, stream.relayedTokens(), stream.promptTokens());
            ended(stream, "cut");
        }
    }

    private void sendCancelled(JobStream stream, String reason, int relayed, int prompt) {
        JobCancelled body = JobCancelled.newBuilder()
                .setJobId(stream.id().toString())
                .setRelayedTokens(relayed)
                .setPromptTokens(prompt)
                .setReason(reason)
                .build();
        submissions.sendFollowUp(stream.pool(), body);
    }

    private void ended(JobStream stream, String outcome) {
        jobs.remove(stream.id().toString());
        metrics.ended(stream, outcome);
        stream.signal();
    }

    /** Routes one delta; answers the stream to signal once the poll is done, if it is one of ours. */
    Optional<JobStream> route(ReplyDelta delta) {
        OpenJob open = jobs.get(delta.getJobId());
        if (open == null || open.stream().address().getNonce() != delta.getNonce()) {
            return Optional.empty();
        }
        JobStream stream = open.stream();
        switch (stream.take(delta)) {
            case YES -> {
                metrics.relayed(stream, delta.getTokensCount());
                if (delta.getLast()) {
                    jobs.put(delta.getJobId(), open.leaving(settings.remembered()));
                    metrics.ended(stream, "succeeded");
                }
            }
            case STALE -> metrics.stale();
            case GAP -> {
                LOG.errorf("job %s: a delta at token %d is not where the stream stands", stream.id(), delta.getIndex());
                cut(
                        stream,
                        "reply_gap",
                        new JobEvent.Failed("stream_broken", "A part of the answer was lost; try again."),
                        true);
            }
            case OVERFLOW ->
                cut(
                        stream,
                        "slow_reader",
                        new JobEvent.Failed(
                                "slow_reader",
                                "More than " + settings.unreadTokens()
                                        + " tokens were left unread; read the stream as it comes."),
                        false);
        }
        return Optional.of(stream);
    }

    /** Acts on the scheduler's word. */
    void notice(NoticeRecord notice) {
        switch (notice.getBodyCase()) {
            case RETRYING -> retrying(notice.getRetrying(), notice.getNonce());
            case FINISHED -> finished(notice.getFinished(), notice.getNonce());
            case BODY_NOT_SET -> LOG.warn("a notice of a kind that this build does not know");
        }
    }

    private void retrying(Retrying retrying, long nonce) {
        OpenJob open = jobs.get(retrying.getJobId());
        if (open == null || open.stream().address().getNonce() != nonce) {
            return;
        }
        if (open.refused()) {
            sendCancelled(open.stream(), "nobody waits for it", 0, 0);
            return;
        }
        JobRelayed answer = open.stream().retrying(retrying.getEpoch());
        if (answer == null) {
            return;
        }
        metrics.retried();
        String had = answer.getComplete() ? "a whole answer" : answer.getRelayedTokensCount() + " tokens";
        LOG.infof("job %s lost its worker after %s; next epoch %d", retrying.getJobId(), had, retrying.getEpoch());
        submissions.sendFollowUp(open.stream().pool(), answer);
    }

    private void finished(JobFinished finished, long nonce) {
        OpenJob open = jobs.get(finished.getJobId());
        if (open == null
                || open.stream().address().getNonce() != nonce
                || open.stream().ended()) {
            return;
        }
        if (finished.getOutcome() == JobOutcome.JOB_OUTCOME_SUCCEEDED) {
            // Its last delta is on its way in the other topic; the sweep tells the client should it never come.
            jobs.put(finished.getJobId(), open.leaving(SUCCEEDED_BUT_SILENT));
            return;
        }
        String code = finished.getErrorCode().isEmpty() ? "job_failed" : finished.getErrorCode();
        String message = finished.getErrorMessage().isEmpty()
                ? "The job was not finished (" + code + "); try again."
                : finished.getErrorMessage();
        if (open.stream().fail(new JobEvent.Failed(code, message), true)) {
            ended(open.stream(), "failed");
        }
    }

    /** Forgets what was remembered long enough and cuts what has lasted too long. Called about once a second. */
    void sweep() {
        long now = System.nanoTime();
        for (OpenJob open : List.copyOf(jobs.values())) {
            if (!open.due(now)) {
                continue;
            }
            if (open.stream().ended()) {
                jobs.remove(open.stream().id().toString());
            } else {
                cut(
                        open.stream(),
                        "deadline",
                        new JobEvent.Failed(DEADLINE_EXCEEDED, "The answer was not complete in time; try again."),
                        true);
            }
        }
    }

    /** The partitions that open streams wait on. */
    Set<Integer> partitionsInUse() {
        return jobs.values().stream()
                .filter(open -> !open.stream().ended())
                .map(open -> open.stream().address().getPartition())
                .collect(Collectors.toSet());
    }

    /** Streams that have not ended. */
    public long openStreams() {
        return jobs.values().stream().filter(open -> !open.stream().ended()).count();
    }

    /** Ends every open stream with a clear error and cancels its job: the gateway goes down. */
    void failAll() {
        cutAll(
                open -> true,
                "gateway_stopped",
                new JobEvent.Failed("shutting_down", "The gateway was stopped before the answer was complete."));
    }

    private static ApiException unavailable(String message) {
        return new ApiException(ApiError.unavailable("queue_unavailable", message, Duration.ofSeconds(1)));
    }
}
