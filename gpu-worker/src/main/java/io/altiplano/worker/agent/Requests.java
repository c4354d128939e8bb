package io.altiplano.worker.agent;

import com.google.protobuf.ByteString;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogitBias;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.worker.engine.GenerationRequest;
import io.altiplano.worker.model.LoraAdapter;
import io.altiplano.worker.sampling.SamplingParams;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** From a submission to the engine's request: the one home of this translation. */
final class Requests {
    private Requests() {}

    /**
     * The request of a job, going on from what was relayed.
     *
     * @param adapter that the job names, loaded; null if it names none
     * @param relayed the default instance on a first attempt
     * @throws IllegalArgumentException if a value is out of range
     */
    static GenerationRequest of(JobSubmitted job, JobRelayed relayed, @Nullable LoraAdapter adapter) {
        Sampling sampling = job.getSampling();
        return new GenerationRequest(
                ints(job.getPromptTokensList()),
                ints(relayed.getRelayedTokensList()),
                relayed.getRelayedTextLength(),
                params(sampling),
                sampling.getMaxTokens(),
                sampling.getMinTokens(),
                sampling.getStopList(),
                sampling.getLogprobs() ? sampling.getTopLogprobs() : -1,
                adapter,
                salt(job),
                labels(job.getPrefixHashesList()),
                job.getJobClass() == JobClass.JOB_CLASS_BATCH);
    }

    /**
     * Whose keys and values a job may use: its tenant's, of prompts that begin with the same 16 tokens. The gateway's first
     * prefix hash carries the tenant's secret salt; without one nothing is shared.
     */
    private static String salt(JobSubmitted job) {
        return job.getPrefixHashesCount() == 0
                ? ""
                : job.getTenantId() + "/"
                        + HexFormat.of().formatHex(job.getPrefixHashes(0).toByteArray());
    }

    /** As heartbeats tell of cached blocks: the first 8 bytes, big-endian, of each prefix hash. */
    private static long[] labels(List<ByteString> hashes) {
        return hashes.stream()
                .takeWhile(hash -> hash.size() >= Long.BYTES)
                .mapToLong(hash -> hash.asReadOnlyByteBuffer().getLong(0))
                .toArray();
    }

    private static SamplingParams params(Sampling sampling) {
        Map<Integer, Float> bias = new HashMap<>();
        for (LogitBias one : sampling.getLogitBiasList()) {
            if (bias.put(one.getToken(), one.getBias()) != null) {
                throw new IllegalArgumentException("logit_bias names token " + one.getToken() + " twice");
            }
        }
        float repetition = sampling.getRepetitionPenalty();
        return new SamplingParams(
                sampling.getTemperature(),
                sampling.getTopP(),
                sampling.getTopK(),
                sampling.getMinP(),
                new SamplingParams.Penalties(
                        sampling.getPresencePenalty(),
                        sampling.getFrequencyPenalty(),
                        repetition == 0 ? 1 : repetition),
                bias,
                sampling.getSeed(),
                sampling.getChoice());
    }

    private static int[] ints(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }
}
