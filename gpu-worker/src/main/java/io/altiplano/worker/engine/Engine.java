package io.altiplano.worker.engine;

import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.batch.Batch;
import io.altiplano.worker.batch.BatchLimits;
import io.altiplano.worker.batch.Sequence;
import io.altiplano.worker.batch.Slice;
import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.BlockTable;
import io.altiplano.worker.kvcache.KvStorage;
import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.sampling.Sampler;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Generates answers with one model. A thread of its own repeats three verbs: <b>schedule</b> (which tokens to compute: {@link
 * Batch}), <b>run</b> (the model), <b>postprocess</b> (choose tokens, tell the listeners). Sequences come and go between
 * steps. With nothing to do the thread waits.
 *
 * <p>Since the model's arithmetic does not depend on what else is in a batch, an answer is the same alone and among others,
 * preempted or not, in one attempt or several, and so it is where another answer's keys and values of an equal beginning are
 * used instead of computing them again.
 *
 * <p>A {@link SharedWork} is done between the steps.
 *
 * <p>Invariant: when nothing runs, no KV block is held but those that a work has reserved; checked each time the engine becomes
 * idle.
 */
public final class Engine implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Engine.class.getName());

    /** 16 KiB of a heartbeat. */
    private static final int MOST_DIGEST = 2_048;

    private final String name;
    private final LlamaModel model;
    private final Tokenizer tokenizer;
    private final EngineObserver observer;
    private final EngineOptions options;
    private final BlockPool pool;
    private final Batch batch;
    private final KvStorage storage;
    private final float[][] logits;
    private final MicroSteps microSteps;
    private final Sampler sampler = new Sampler();
    private final Map<Sequence, Generation> generations = new HashMap<>();
    private final BlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
    private final Thread thread;
    private boolean closing;
    private volatile boolean stopped;

    private volatile int freeBlocks;
    private volatile int reservedBlocks;
    private final AtomicBoolean digestAsked = new AtomicBoolean();
    private volatile long[] digest = {};

    /**
     * Starts the loop.
     *
     * @param name of the model, for logs and the thread
     * @param model used by the engine's thread alone from now on; not closed by the engine
     * @param observer hears of each step
     */
    public Engine(String name, LlamaModel model, Tokenizer tokenizer, EngineOptions options, EngineObserver observer) {
        this.name = name;
        this.model = model;
        this.tokenizer = tokenizer;
        this.options = options;
        this.observer = observer;
        this.pool = new BlockPool(options.kvBlocks());
        this.batch = new Batch(pool, new BatchLimits(options.sequences(), options.stepTokens()));
        this.storage = model.newKvStorage(options.kvBlocks());
        this.microSteps = new MicroSteps(pool, model, storage, System::nanoTime);
        this.logits = new float[options.sequences()][model.config().vocabulary()];
        this.freeBlocks = options.kvBlocks();
        this.thread = Thread.ofPlatform().name("engine-" + name).daemon(true).start(this::loop);
    }

    /** Why a request can never run here, if so. */
    public Optional<Refusal> refuse(GenerationRequest request) {
        int vocabulary = Math.min(model.config().vocabulary(), tokenizer.vocabularySize());
        for (int[] tokens : List.of(request.prompt(), request.relayed())) {
            for (int token : tokens) {
                if (token < 0 || token >= vocabulary) {
                    return Optional.of(new Refusal(
                            Refusal.Code.INVALID_TOKENS,
                            "token " + token + " is outside the model's vocabulary of " + vocabulary));
                }
            }
        }
        for (int token : request.sampling().bias().keySet()) {
            if (token < 0 || token >= vocabulary) {
                return Optional.of(new Refusal(
                        Refusal.Code.INVALID_TOKENS,
                        "logit_bias names token " + token + ", which is outside the model's vocabulary of "
                                + vocabulary));
            }
        }
        long tokens = (long) request.prompt().length + request.maxTokens();
        int context = model.config().contextLength();
        if (tokens > context) {
            return Optional.of(new Refusal(
                    Refusal.Code.CONTEXT_LENGTH_EXCEEDED,
                    "%d prompt tokens and max_tokens %d exceed the model's context of %d tokens"
                            .formatted(request.prompt().length, request.maxTokens(), context)));
        }
        if (BlockTable.blocksFor((int) tokens) > pool.total()) {
            return Optional.of(new Refusal(
                    Refusal.Code.CONTEXT_LENGTH_EXCEEDED,
                    "%d prompt tokens and max_tokens %d exceed this worker's KV cache of %d tokens"
                            .formatted(request.prompt().length, request.maxTokens(), pool.total() * KvStorage.BLOCK)));
        }
        return Optional.empty();
    }

    /**
     * Queues a request; the listener hears of it from the next step on, and always of an ending.
     *
     * @throws IllegalArgumentException if {@link #refuse} would
     * @throws IllegalStateException if the loop has ended: nothing would ever be heard of the request
     */
    public Generation submit(GenerationRequest request, GenerationListener listener) {
        refuse(request).ifPresent(refusal -> {
            throw new IllegalArgumentException(refusal.message());
        });
        Generation generation = new Generation(request, listener, tokenizer, this::cancel);
        order(() -> begin(generation));
        return generation;
    }

    /** What the loop carries out next; its end carries out what it still finds, so nothing is lost. */
    private void order(Runnable command) {
        commands.add(command);
        if (stopped && commands.remove(command)) {
            throw new IllegalStateException(stoppedMessage());
        }
    }

    private String stoppedMessage() {
        return "the engine of " + name + " has stopped";
    }

    /**
     * Takes a work in, to be done between steps; it hears of its end in any case.
     *
     * @throws IllegalStateException if the loop has ended: nothing would ever be heard of the work
     */
    public void share(SharedWork work) {
        order(() -> {
            microSteps.begin(
                    work,
                    generations.values().stream()
                            .mapToInt(g -> BlockTable.blocksFor(g.mostTokens()))
                            .max()
                            .orElse(0));
            reservedBlocks = pool.reserved();
        });
    }

    /** KV blocks that nothing holds, as of the last step. */
    public int freeBlocks() {
        return freeBlocks;
    }

    /**
     * The labels of cached blocks as of a moment ago, the most recently used where there are too many: what was found when this was
     * asked for the last time. Callable from any thread; never waits for a step.
     */
    public long[] prefixDigest() {
        long[] known = digest;
        if (digestAsked.compareAndSet(false, true)) {
            commands.add(() -> {
                digestAsked.set(false);
                digest = pool.labels(MOST_DIGEST);
            });
        }
        return known;
    }

    /** Tensor-parallel ranks of the model. */
    public int ranks() {
        return storage.ranks();
    }

    /** KV blocks that answers may come to hold: all but those that a work has reserved. */
    public int totalBlocks() {
        return options.kvBlocks() - reservedBlocks;
    }

    /** Whether the loop still runs. */
    public boolean isAlive() {
        return thread.isAlive();
    }

    /** Ends every answer as faulted and stops the loop; returns when it has stopped. */
    @Override
    public void close() {
        commands.add(() -> closing = true);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void cancel(Generation generation) {
        commands.add(() -> end(generation, Ending.Reason.CANCELLED, ""));
    }

    private void loop() {
        try {
            while (!closing) {
                round();
            }
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "event=engine_died model=" + name, e);
            throw e;
        } finally {
            stopped = true;
            stop();
            // What was ordered meanwhile begins, only to be told the same.
            for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
                command.run();
            }
            stop();
        }
    }

    private void stop() {
        List.copyOf(generations.values()).forEach(g -> end(g, Ending.Reason.FAULTED, stoppedMessage()));
        microSteps.stop(stoppedMessage());
    }

    private void round() {
        takeCommands();
        if (closing) {
            return;
        }
        freeBlocks = pool.free();
        long start = System.nanoTime();
        List<Slice> slices = batch.plan();
        int generated = slices.isEmpty() ? 0 : step(slices);
        freeBlocks = pool.free();
        long nanos = System.nanoTime() - start;
        report(slices, generated, nanos);
        workBeside(slices.isEmpty() ? 0 : Math.max(1, nanos));
    }

    /** Whatever shares the engine has its turn. */
    private void workBeside(long answered) {
        long nanos = microSteps.after(answered);
        if (nanos > 0) {
            reservedBlocks = pool.reserved();
            freeBlocks = pool.free();
            observed(() -> observer.shared(nanos));
        }
    }

    /** Carries out what was asked for, waiting for something if there is nothing to compute. */
    private void takeCommands() {
        if (batch.isEmpty()) {
            pool.requireAllFree();
        }
        if (batch.isEmpty() && microSteps.isEmpty()) {
            try {
                commands.take().run();
            } catch (InterruptedException e) {
                LOG.log(Level.WARNING, "event=engine_interrupted model={0}", name);
                closing = true;
            }
        }
        for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
            command.run();
        }
    }

    private void begin(Generation generation) {
        if (BlockTable.blocksFor(generation.mostTokens()) > totalBlocks()) {
            end(generation, Ending.Reason.FAULTED, "what shares the engine of " + name + " has reserved the KV blocks");
            return;
        }
        guarded(generation, () -> {
            Sequence sequence = generation.begin(pool);
            if (sequence != null) {
                generations.put(sequence, generation);
                batch.add(sequence);
            }
        });
    }

    /** Runs the model over the planned slices and chooses a token for each sequence that is at its end. */
    private int step(List<Slice> slices) {
        slices.forEach(slice -> generationOf(slice).reading());
        List<Slice> choosing = slices.stream().filter(Slice::reachesEnd).toList();
        try {
            model.forward(StepRows.of(slices, this::generationOf), storage, Arrays.copyOf(logits, choosing.size()));
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.log(Level.ERROR, "event=step_failed model=" + name, e);
            slices.forEach(slice -> end(generationOf(slice), Ending.Reason.FAULTED, "the model failed: " + e));
            return 0;
        }
        slices.forEach(slice -> slice.sequence().computedUpTo(slice.from() + slice.count()));
        for (int i = 0; i < choosing.size(); i++) {
            Generation generation = generationOf(choosing.get(i));
            float[] own = logits[i];
            guarded(generation, () -> {
                if (generation.step(own, sampler)) {
                    forget(generation);
                }
            });
        }
        return choosing.size();
    }

    private Generation generationOf(Slice slice) {
        return Objects.requireNonNull(generations.get(slice.sequence()), "a planned sequence has its generation");
    }

    private void end(Generation generation, Ending.Reason reason, String message) {
        forget(generation);
        guarded(generation, () -> generation.end(reason, message));
    }

    private void forget(Generation generation) {
        Sequence sequence = generation.sequence;
        if (sequence != null && generations.remove(sequence) != null) {
            batch.remove(sequence);
        }
    }

    /** One answer's fault, or its listener's, ends that answer and no other. */
    private void guarded(Generation generation, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.log(Level.ERROR, "event=generation_failed model=" + name, e);
            forget(generation);
            try {
                generation.end(Ending.Reason.FAULTED, "the engine failed: " + e.getMessage());
            } catch (RuntimeException | OutOfMemoryError again) {
                LOG.log(Level.ERROR, "event=listener_failed model=" + name, again);
            }
        }
    }

    private void report(List<Slice> slices, int generated, long nanos) {
        int computed = slices.stream().mapToInt(Slice::count).sum();
        observed(() -> observer.stepped(new StepReport(
                computed, generated, batch.running(), batch.waiting(), pool.free(), batch.preemptions(), nanos)));
    }

    private void observed(Runnable report) {
        try {
            report.run();
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "event=observer_failed model=" + name, e);
        }
    }
}
