package io.altiplano.scheduler.topology;

import io.altiplano.scheduler.core.Cancellation;
import io.altiplano.scheduler.core.JobState;
import io.altiplano.scheduler.core.Phase;
import io.altiplano.scheduler.core.Relay;
import io.altiplano.scheduler.core.Stored;
import io.altiplano.scheduler.fleet.Boot;
import io.altiplano.scheduler.lease.Lease;
import io.altiplano.scheduler.queue.Share;
import io.altiplano.scheduler.topology.v1.StoredBoot;
import io.altiplano.scheduler.topology.v1.StoredCancellation;
import io.altiplano.scheduler.topology.v1.StoredEarly;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import io.altiplano.scheduler.topology.v1.StoredFinished;
import io.altiplano.scheduler.topology.v1.StoredJob;
import io.altiplano.scheduler.topology.v1.StoredLease;
import io.altiplano.scheduler.topology.v1.StoredMark;
import io.altiplano.scheduler.topology.v1.StoredRelay;
import io.altiplano.scheduler.topology.v1.StoredShare;
import io.altiplano.scheduler.topology.v1.StoredSuperseded;
import io.altiplano.scheduler.topology.v1.StoredWithdrawal;
import java.util.HashMap;
import java.util.Map;

/** The one translator between the core's state and the store's messages. */
public final class StoredCodec {
    private StoredCodec() {}

    /** An entry's message, as written by a generation of schedulers. */
    public static StoredEntry write(Stored stored, long generation) {
        StoredEntry.Builder entry = StoredEntry.newBuilder();
        switch (stored) {
            case Stored.Active a -> entry.setJob(write(a.job()));
            case Stored.Finished f -> {
                StoredFinished.Builder b =
                        StoredFinished.newBuilder().setJobId(f.jobId()).setAtMs(f.atMs());
                if (f.replyTo() != null) {
                    b.setReplyTo(f.replyTo());
                }
                entry.setFinished(b);
            }
            case Stored.Early e -> {
                StoredEarly.Builder b = StoredEarly.newBuilder()
                        .setJobId(e.jobId())
                        .setAtMs(e.atMs())
                        .addAllRecords(e.records());
                if (e.ended() != null) {
                    b.setEnded(e.ended());
                }
                if (e.cancelled() != null) {
                    b.setCancelled(e.cancelled());
                }
                entry.setEarly(b);
            }
            case Stored.Incarnations i -> entry.setBoot(write(i.boot()));
            case Stored.Flow f -> entry.setShare(write(f.share()));
            case Stored.TakeOvers t ->
                t.latest()
                        .forEach(o -> entry.getTakeOversBuilder()
                                .addLatestBuilder()
                                .setGeneration(o.generation())
                                .setOffset(o.offset()));
            case Stored.Withdrawal w ->
                entry.setWithdrawal(StoredWithdrawal.newBuilder()
                        .setTenantId(w.tenantId())
                        .setModel(w.model())
                        .setLicenceEpoch(w.licenceEpoch())
                        .setReason(w.reason())
                        .setAtMs(w.atMs()));
        }
        return entry.setGeneration(generation).build();
    }

    /**
     * The state of an entry's message.
     *
     * @throws IllegalArgumentException if it is not a part of the core's state
     */
    public static Stored read(StoredEntry entry) {
        return switch (entry.getBodyCase()) {
            case JOB -> new Stored.Active(read(entry.getJob()));
            case FINISHED -> {
                StoredFinished f = entry.getFinished();
                yield new Stored.Finished(f.getJobId(), f.getAtMs(), f.hasReplyTo() ? f.getReplyTo() : null);
            }
            case EARLY -> {
                StoredEarly e = entry.getEarly();
                yield new Stored.Early(
                        e.getJobId(),
                        e.getAtMs(),
                        e.getRecordsList(),
                        e.hasEnded() ? e.getEnded() : null,
                        e.hasCancelled() ? e.getCancelled() : null);
            }
            case BOOT -> new Stored.Incarnations(read(entry.getBoot()));
            case WITHDRAWAL -> {
                StoredWithdrawal w = entry.getWithdrawal();
                yield new Stored.Withdrawal(
                        w.getTenantId(), w.getModel(), w.getLicenceEpoch(), w.getReason(), w.getAtMs());
            }
            case SHARE -> new Stored.Flow(read(entry.getShare()));
            case TAKE_OVERS ->
                new Stored.TakeOvers(entry.getTakeOvers().getLatestList().stream()
                        .map(t -> new Stored.TakeOver(t.getGeneration(), t.getOffset()))
                        .toList());
            case POSITIONS, BODY_NOT_SET ->
                throw new IllegalArgumentException("not a part of the core's state: " + entry.getBodyCase());
        };
    }

    private static StoredShare write(Share share) {
        StoredShare.Builder b = StoredShare.newBuilder()
                .setPool(share.pool())
                .setJobClass(share.jobClass())
                .setTenantId(share.tenant());
        share.marks()
                .forEach((name, mark) -> b.putMarks(
                        name,
                        StoredMark.newBuilder()
                                .setTag(mark.tag())
                                .setClock(mark.clock())
                                .build()));
        return b.build();
    }

    private static Share read(StoredShare s) {
        Map<String, Share.Mark> marks = new HashMap<>();
        s.getMarksMap().forEach((name, m) -> marks.put(name, new Share.Mark(m.getTag(), m.getClock())));
        return new Share(s.getPool(), s.getJobClass(), s.getTenantId(), marks);
    }

    private static StoredJob write(JobState job) {
        StoredJob.Builder b = StoredJob.newBuilder()
                .setSubmission(job.submission())
                .setAt(job.at())
                .setPromptTokens(job.promptTokens())
                .setGeneratedTokens(job.generatedTokens())
                .setFingerprint(job.fingerprint());
        switch (job.phase()) {
            case Phase.Queued q -> b.setQueued(q.lastEpoch());
            case Phase.Leased l ->
                b.setLeased(StoredLease.newBuilder()
                        .setEpoch(l.lease().epoch())
                        .setWorkerId(l.lease().workerId())
                        .setBootId(l.lease().bootId())
                        .setOrdinal(l.lease().ordinal()));
            case Phase.AwaitingRelay a -> b.setAwaitingRelay(a.nextEpoch());
        }
        Cancellation c = job.cancellation();
        if (c != null) {
            b.setCancellation(StoredCancellation.newBuilder()
                    .setOutcome(c.outcome())
                    .setCode(c.code())
                    .setMessage(c.message())
                    .setRelayedTokens(c.relayedTokens())
                    .setLastWord(c.lastWord()));
        }
        if (job.ended() != null) {
            b.setEnded(job.ended());
        }
        Relay r = job.relay();
        if (r != null) {
            b.setRelay(StoredRelay.newBuilder()
                    .setEpoch(r.epoch())
                    .setAt(r.at())
                    .setTokens(r.tokens())
                    .setComplete(r.complete())
                    .setUsage(r.usage())
                    .setFinishReason(r.finishReason()));
        }
        return b.build();
    }

    private static JobState read(StoredJob j) {
        StoredCancellation c = j.getCancellation();
        StoredRelay r = j.getRelay();
        return new JobState(
                j.getSubmission(),
                j.getAt(),
                j.getPromptTokens(),
                phase(j),
                j.hasCancellation()
                        ? new Cancellation(
                                c.getOutcome(), c.getCode(), c.getMessage(), c.getRelayedTokens(), c.getLastWord())
                        : null,
                j.hasEnded() ? j.getEnded() : null,
                j.hasRelay()
                        ? new Relay(
                                r.getEpoch(),
                                r.getAt(),
                                r.getTokens(),
                                r.getComplete(),
                                r.getUsage(),
                                r.getFinishReason())
                        : null,
                j.getGeneratedTokens(),
                j.getFingerprint());
    }

    private static Phase phase(StoredJob j) {
        return switch (j.getPhaseCase()) {
            case QUEUED -> new Phase.Queued(j.getQueued());
            case LEASED -> {
                StoredLease l = j.getLeased();
                yield new Phase.Leased(new Lease(
                        j.getSubmission().getJobId(), l.getEpoch(), l.getWorkerId(), l.getBootId(), l.getOrdinal()));
            }
            case AWAITING_RELAY -> new Phase.AwaitingRelay(j.getAwaitingRelay());
            case PHASE_NOT_SET ->
                throw new IllegalArgumentException(
                        "stored job " + j.getSubmission().getJobId() + " has no phase");
        };
    }

    private static StoredBoot write(Boot boot) {
        StoredBoot.Builder b = StoredBoot.newBuilder()
                .setPool(boot.pool())
                .setWorkerId(boot.workerId())
                .setBootId(boot.bootId())
                .setSinceMs(boot.sinceMs());
        boot.superseded()
                .forEach(s -> b.addSuperseded(
                        StoredSuperseded.newBuilder().setBootId(s.bootId()).setAtMs(s.atMs())));
        return b.build();
    }

    private static Boot read(StoredBoot b) {
        return new Boot(
                b.getPool(),
                b.getWorkerId(),
                b.getBootId(),
                b.getSinceMs(),
                b.getSupersededList().stream()
                        .map(s -> new Boot.Superseded(s.getBootId(), s.getAtMs()))
                        .toList());
    }
}
