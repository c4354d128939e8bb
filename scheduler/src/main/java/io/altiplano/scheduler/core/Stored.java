package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.scheduler.fleet.Boot;
import io.altiplano.scheduler.queue.Share;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One entry of the changelogged store. A job id has at most one entry: unfinished, finished, or not known yet. */
public sealed interface Stored {
    /** The entry's key. */
    String key();

    /** An unfinished job. */
    record Active(JobState job) implements Stored {
        @Override
        public String key() {
            return jobKey(job.id());
        }
    }

    /** A finished job, remembered so that a repeat of its submission is known as one. */
    record Finished(String jobId, long atMs, @Nullable ReplyAddress replyTo) implements Stored {
        @Override
        public String key() {
            return jobKey(jobId);
        }
    }

    /**
     * Records of a job whose submission was not read yet: after a crash the topics are read again, each at its own pace.
     * They take effect when it comes. So does a cancellation that came before it: a gateway calls back what it does not know to be
     * accepted, by another way to the broker.
     */
    record Early(
            String jobId,
            long atMs,
            List<JobRecord> records,
            @Nullable AttemptEnded ended,
            @Nullable JobCancelled cancelled)
            implements Stored {
        @Override
        public String key() {
            return jobKey(jobId);
        }
    }

    /** A worker's incarnations. */
    record Incarnations(Boot boot) implements Stored {
        @Override
        public String key() {
            return bootKey(boot.pool(), boot.workerId());
        }
    }

    /** A right that ended: submissions of the tenant for the model (empty: all) with a lower licence epoch are refused. */
    record Withdrawal(String tenantId, String model, long licenceEpoch, String reason, long atMs) implements Stored {
        @Override
        public String key() {
            return "r/" + tenantId + "/" + model;
        }
    }

    /** Virtual times of a pool or of a tenant's flow in it. */
    record Flow(Share share) implements Stored {
        @Override
        public String key() {
            return "f/" + share.pool() + "/" + share.jobClass().getNumber() + "/" + share.tenant();
        }
    }

    /** The latest take-overs of the partition, in order. */
    record TakeOvers(List<TakeOver> latest) implements Stored {
        @Override
        public String key() {
            return "g/";
        }
    }

    /** A generation of schedulers, and where in {@code jobs} its barrier stands. */
    record TakeOver(long generation, long offset) {}

    static String jobKey(String jobId) {
        return "j/" + jobId;
    }

    static String bootKey(String pool, String workerId) {
        return "w/" + pool + "/" + workerId;
    }
}
