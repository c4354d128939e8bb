package io.altiplano.worker.agent;

import io.altiplano.contracts.v1.RunningAttempt;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.worker.engine.ModelStore;
import io.altiplano.worker.engine.ServedModel;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** What one boot of a worker tells of itself: all that the scheduler places jobs by. */
final class Heartbeats {
    private final AgentSettings settings;
    private final String bootId;
    private final ModelStore models;
    private final Clock clock;

    Heartbeats(AgentSettings settings, String bootId, ModelStore models, Clock clock) {
        this.settings = settings;
        this.bootId = bootId;
        this.models = models;
        this.clock = clock;
    }

    /** The present state, from what the engines published after their last steps. */
    WorkerHeartbeat now(long sequence, List<Attempt> attempts, boolean draining) {
        List<ServedModel> loaded = models.loaded();
        return WorkerHeartbeat.newBuilder()
                .setWorkerId(settings.workerId())
                .setPool(settings.pool())
                .setOrdinal(settings.ordinal())
                .setBootId(bootId)
                .setSequence(sequence)
                .setCapacity(settings.capacity())
                .setQueued((int) attempts.stream().filter(Attempt::queued).count())
                .setFreeKvBlocks(
                        loaded.stream().mapToLong(m -> m.engine().freeBlocks()).sum())
                .setTotalKvBlocks(
                        loaded.stream().mapToLong(m -> m.engine().totalBlocks()).sum())
                .addAllRunning(attempts.stream().map(Heartbeats::running).toList())
                .addAllModels(models.ids())
                .addAllAdapters(loaded.stream()
                        .flatMap(m -> m.adapters().loaded().stream())
                        .distinct()
                        .toList())
                .addAllPrefixDigest(loaded.stream()
                        .flatMapToLong(m -> Arrays.stream(m.engine().prefixDigest()))
                        .boxed()
                        .toList())
                .setTensorParallel(
                        loaded.stream().mapToInt(m -> m.engine().ranks()).max().orElse(0))
                .setNumericsFingerprint(loaded.stream()
                        .map(m -> m.id() + "=" + m.model().numericsFingerprint())
                        .collect(Collectors.joining(",")))
                .setAtMs(clock.millis())
                .setDraining(draining)
                .build();
    }

    private static RunningAttempt running(Attempt a) {
        return RunningAttempt.newBuilder()
                .setJobId(a.jobId())
                .setEpoch(a.epoch())
                .setGeneratedTokens(a.generatedTokens())
                .build();
    }
}
