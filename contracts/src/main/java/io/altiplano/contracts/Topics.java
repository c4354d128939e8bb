package io.altiplano.contracts;

import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import java.util.regex.Pattern;

/**
 * The topics' names under one prefix, and each topic's codec. The prefix keeps several platforms (tests) apart on one
 * broker; it is empty in production.
 *
 * <p>One kind of writer each: gateways write {@code submissions}; workers {@code attempts}, {@code workers},
 * {@code replies}; the scheduler {@code jobs}, {@code work.<pool>}, {@code notices}; each its own {@code dead-letters.<writer>}.
 *
 * @param prefix put before every name as it is, e.g. "" or "t1-"
 */
public record Topics(String prefix) {
    private static final Pattern PREFIX = Pattern.compile("[A-Za-z0-9._-]{0,64}");
    private static final Pattern POOL = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");

    /** Codec of {@code submissions}. */
    public static final Codec<SubmissionRecord> SUBMISSION = Codec.of(SubmissionRecord.getDefaultInstance());
    /** Codec of {@code attempts}. */
    public static final Codec<AttemptRecord> ATTEMPT = Codec.of(AttemptRecord.getDefaultInstance());
    /** Codec of {@code workers}. */
    public static final Codec<WorkerHeartbeat> WORKER = Codec.of(WorkerHeartbeat.getDefaultInstance());
    /** Codec of {@code jobs}. */
    public static final Codec<JobRecord> JOB = Codec.of(JobRecord.getDefaultInstance());
    /** Codec of {@code work.<pool>}. */
    public static final Codec<WorkRecord> WORK = Codec.of(WorkRecord.getDefaultInstance());
    /** Codec of {@code replies}. */
    public static final Codec<ReplyRecord> REPLY = Codec.of(ReplyRecord.getDefaultInstance());
    /** Codec of {@code notices}. */
    public static final Codec<NoticeRecord> NOTICE = Codec.of(NoticeRecord.getDefaultInstance());

    /** Codec of {@code dead-letters.<writer>}. */
    public static final Codec<DeadLetterRecord> DEAD_LETTER = Codec.of(DeadLetterRecord.getDefaultInstance());

    public Topics {
        if (!PREFIX.matcher(prefix).matches()) {
            throw new IllegalArgumentException(
                    "topic prefix '" + prefix + "': at most 64 of A-Z a-z 0-9 . _ - (Kafka's characters)");
        }
    }

    /** Jobs, cancellations, withdrawn rights; keyed by pool. */
    public String submissions() {
        return prefix + "submissions";
    }

    /** Starts and ends of attempts; keyed by pool. */
    public String attempts() {
        return prefix + "attempts";
    }

    /** Heartbeats; keyed by pool. */
    public String workers() {
        return prefix + "workers";
    }

    /** Leases and terminal records, the scheduler's authority; keyed by pool. */
    public String jobs() {
        return prefix + "jobs";
    }

    /** Token deltas to the gateway that holds the partition. */
    public String replies() {
        return prefix + "replies";
    }

    /** The scheduler's word to the gateway that holds the partition. */
    public String notices() {
        return prefix + "notices";
    }

    /**
     * What a service could not take in, or what an operator did about it.
     *
     * @param writer "gateway", "scheduler", "worker" or "operator"
     */
    public String deadLetters(String writer) {
        return prefix + "dead-letters." + writer;
    }

    /**
     * A pool's grants, one partition a worker ordinal.
     *
     * @throws IllegalArgumentException if the pool's name is not a DNS label
     */
    public String work(String pool) {
        return prefix + "work." + requirePool(pool);
    }

    /**
     * The pool's name itself, if it is a DNS label (it becomes a topic's and a StatefulSet's name).
     *
     * @throws IllegalArgumentException otherwise
     */
    public static String requirePool(String pool) {
        if (!POOL.matcher(pool).matches()) {
            throw new IllegalArgumentException(
                    "model pool '" + pool + "': a DNS label of lower case letters, digits and '-', at most 63 long");
        }
        return pool;
    }
}
