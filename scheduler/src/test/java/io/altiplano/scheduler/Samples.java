package io.altiplano.scheduler;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.RunningAttempt;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;

/** Records that tests begin from. */
public final class Samples {
    public static final String POOL = "default";
    private static final RandomGenerator RANDOM =
            RandomGeneratorFactory.of("L64X128MixRandom").create(7);

    private Samples() {}

    public static synchronized String jobId() {
        return JobId.create(1_700_000_000_000L, RANDOM).toString();
    }

    /** An interactive job of tenant "acme": 5 prompt tokens, cost 100 tokens (7 blocks), reply partition 3, nonce 99. */
    public static JobSubmitted.Builder job(String id) {
        return JobSubmitted.newBuilder()
                .setJobId(id)
                .setPool(POOL)
                .setModel("llama")
                .setTenantId("acme")
                .setProjectId("main")
                .setApiKeyId("key-1")
                .addAllPromptTokens(List.of(1, 2, 3, 4, 5))
                .setSampling(Sampling.newBuilder().setMaxTokens(95).setSeed(1).setChoice(2))
                .setJobClass(JobClass.JOB_CLASS_INTERACTIVE)
                .setWeight(1)
                .setEstimatedCost(100)
                .setDecisionId("d-1")
                .setLicenceEpoch(1)
                .setReplyTo(ReplyAddress.newBuilder().setPartition(3).setNonce(99))
                .setStream(true)
                .setSubmittedAtMs(1);
    }

    public static LogPointer at(long offset) {
        return LogPointer.newBuilder().setOffset(offset).build();
    }

    /** A worker "default-N" with 2 places and 100 free blocks of 100. */
    public static WorkerHeartbeat.Builder beat(int ordinal, String boot, long sequence) {
        return WorkerHeartbeat.newBuilder()
                .setWorkerId("default-" + ordinal)
                .setPool(POOL)
                .setOrdinal(ordinal)
                .setBootId(boot)
                .setSequence(sequence)
                .setCapacity(2)
                .setFreeKvBlocks(100)
                .setTotalKvBlocks(100)
                .addModels("llama");
    }

    public static RunningAttempt running(String job, int epoch, long generated) {
        return RunningAttempt.newBuilder()
                .setJobId(job)
                .setEpoch(epoch)
                .setGeneratedTokens(generated)
                .build();
    }

    public static AttemptEnded.Builder ended(String job, int epoch, int ordinal, String boot, AttemptOutcome outcome) {
        return AttemptEnded.newBuilder()
                .setJobId(job)
                .setEpoch(epoch)
                .setWorkerId("default-" + ordinal)
                .setBootId(boot)
                .setOutcome(outcome)
                .setUsage(usage(5, 7))
                .setFinishReason(outcome == AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED ? "stop" : "");
    }

    public static Usage usage(long prompt, long completion) {
        return Usage.newBuilder()
                .setPromptTokens(prompt)
                .setCompletionTokens(completion)
                .build();
    }

    /** A gateway's answer: its client has that many tokens, 0, 1, 2 and so on. */
    public static JobRelayed relayed(String job, int epoch, int tokens) {
        return JobRelayed.newBuilder()
                .setJobId(job)
                .setEpoch(epoch)
                .addAllRelayedTokens(IntStream.range(0, tokens).boxed().toList())
                .build();
    }
}
