package io.altiplano.worker.app;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.MachineLimits;
import io.altiplano.worker.kvcache.KvStorage;
import io.altiplano.worker.model.ForwardBatch;
import io.altiplano.worker.model.LlamaConfig;
import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.model.ModelOptions;
import io.altiplano.worker.model.RopeScaling;
import io.altiplano.worker.model.WeightsMode;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code engine bench}: the speed of single kernels and of forward passes, and which share it is of what the machine measured
 * in the same run. A decode step reads every weight once, so one sequence is held against memory reads; a prefill multiplies
 * every weight with every token, so it is held against multiply-adds. A model that fits the caches can exceed the former.
 */
@Command(
        name = "bench",
        description =
                "Measures kernels, decode at 1 and 8 sequences and prefill of 512 tokens, as shares of the machine's limits.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    private static final int PROMPT = 512;
    private static final int RUNS = 3;
    private static final int PREFILLS = 2;
    private static final int KERNEL_RUNS = 5;
    private static final long WARM_UP_NANOS = 2_000_000_000L;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--model", paramLabel = "DIR", description = "Hugging Face model directory")
    private @Nullable Path model;

    @Option(
            names = "--random",
            paramLabel = "SHAPE",
            description = "random weights of this shape: llama-3.2-1b, which is taken without --model")
    private @Nullable String random;

    @Option(
            names = "--kernels",
            paramLabel = "NAME",
            description = "native or vector; default: each that this machine has")
    private @Nullable String kernels;

    @Option(names = "--part", paramLabel = "PART", description = "kernels, model or all; default: ${DEFAULT-VALUE}")
    private String part = "all";

    @Option(
            names = "--weights",
            paramLabel = "MODE",
            description = "bf16, fp8-ffn or fp8-all; default: ${DEFAULT-VALUE}",
            defaultValue = "fp8-all")
    private String weights = "";

    @Option(names = "--tp", paramLabel = "N", description = "default: ${DEFAULT-VALUE}", defaultValue = "1")
    private String tp = "";

    @Option(names = "--threads", paramLabel = "N", description = "default: one a processor", defaultValue = "0")
    private int threads;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "decode steps; default: ${DEFAULT-VALUE}",
            defaultValue = "16")
    private int steps;

    @Override
    public Integer call() {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        if (steps < 1 || steps > 100_000) {
            throw new EngineCli.BadInputException("--steps must be 1 to 100000, not " + steps);
        }
        if (!List.of("all", "kernels", "model").contains(part)) {
            throw new EngineCli.BadInputException("--part must be kernels, model or all, not '" + part + "'");
        }
        List<BenchBackend> backends = ModelOptionsMixin.asInput(this::backends);
        out.println(machine());
        if (!part.equals("model")) {
            new KernelBench(out, KERNEL_RUNS).run(backends);
        }
        if (!part.equals("kernels")) {
            models(out, backends);
        }
        return 0;
    }

    private List<BenchBackend> backends() {
        if (kernels != null) {
            return List.of(BenchBackend.of(EngineChoices.kernels(kernels)));
        }
        Kernels fastest = EngineChoices.kernels("auto");
        return fastest.name().equals("vector")
                ? List.of(BenchBackend.of(fastest))
                : List.of(BenchBackend.of(EngineChoices.kernels("vector")), BenchBackend.of(fastest));
    }

    /** What else runs decides how much these figures mean. */
    private static String machine() {
        OperatingSystemMXBean os = ManagementFactory.getOperatingSystemMXBean();
        return String.format(
                Locale.ROOT, "%d processors, load %.1f", os.getAvailableProcessors(), os.getSystemLoadAverage());
    }

    private void models(PrintWriter out, List<BenchBackend> backends) {
        int processors = LimitsCommand.processors(threads);
        SwitchableKernels switchable = new SwitchableKernels(
                backends.stream().map(BenchBackend::kernels).toList());
        try (LlamaModel loaded = ModelOptionsMixin.asInput(() -> load(processors, switchable))) {
            long bytes = 0;
            int ranks = EngineChoices.tensorParallel(tp);
            for (int rank = 0; rank < ranks; rank++) {
                bytes += loaded.bytesHeld(rank);
            }
            out.printf(
                    Locale.ROOT,
                    "%s, tp %d, %d threads: %.1f MB of weights%n",
                    weights,
                    ranks,
                    processors,
                    bytes / 1e6);
            for (BenchBackend backend : backends) {
                switchable.choose(backend.kernels());
                MachineLimits limits = MachineLimits.measure(processors, backend.f8());
                out.println(backend.kernels().name() + ", " + LimitsCommand.text(limits));
                for (int sequences : new int[] {1, 8}) {
                    report(out, loaded.config(), decode(loaded, sequences), sequences, bytes, limits);
                }
                prefill(out, loaded, limits);
            }
        }
    }

    private LlamaModel load(int processors, Kernels switchable) {
        ModelOptions options =
                new ModelOptions(WeightsMode.of(weights), EngineChoices.tensorParallel(tp), processors, switchable);
        if (model != null && random == null) {
            return LlamaModel.load(model, options);
        }
        if (model == null && (random == null || random.toLowerCase(Locale.ROOT).equals("llama-3.2-1b"))) {
            return LlamaModel.random(llama1b(), options);
        }
        throw new IllegalArgumentException("say either --model DIR or --random llama-3.2-1b");
    }

    private static LlamaConfig llama1b() {
        return new LlamaConfig(
                2048,
                16,
                32,
                8,
                64,
                8192,
                128256,
                131072,
                1e-5f,
                500_000,
                new RopeScaling(32, 1, 4, 8192),
                true,
                128000,
                List.of(128001, 128008, 128009));
    }

    /** Seconds of a step, in the best of several runs after the compiler has seen enough of them. */
    private double decode(LlamaModel loaded, int sequences) {
        long begin = System.nanoTime();
        double best = Double.MAX_VALUE;
        for (int run = 0; run < RUNS || System.nanoTime() - begin < WARM_UP_NANOS; run++) {
            best = Math.min(best, decodeOnce(loaded, sequences));
        }
        return best;
    }

    private double decodeOnce(LlamaModel loaded, int sequences) {
        int length = Math.min(loaded.config().contextLength(), steps);
        int blocks = (length + KvStorage.BLOCK - 1) / KvStorage.BLOCK;
        KvStorage kv = loaded.newKvStorage(sequences * blocks);
        int[][] tables = new int[sequences][blocks];
        int[] sequence = new int[sequences];
        for (int s = 0; s < sequences; s++) {
            int first = s * blocks;
            Arrays.setAll(tables[s], j -> first + j);
            sequence[s] = s;
        }
        float[][] logits = new float[sequences][loaded.config().vocabulary()];
        long start = System.nanoTime();
        for (int position = 0; position < length; position++) {
            int[] tokens = new int[sequences];
            int[] positions = new int[sequences];
            Arrays.fill(positions, position);
            for (int s = 0; s < sequences; s++) {
                tokens[s] = (position * 31 + s) % loaded.config().vocabulary();
            }
            loaded.forward(new ForwardBatch(tokens, positions, sequence, tables, sequence), kv, logits);
        }
        return (System.nanoTime() - start) / 1e9 / length;
    }

    /** A step reads each weight once and multiplies it once a sequence: the slower of the two is the limit. */
    private static void report(
            PrintWriter out, LlamaConfig config, double seconds, int sequences, long bytes, MachineLimits limits) {
        double reading = bytes / limits.readGigabytes() / 1e9;
        double multiplying = 2.0
                * sequences
                * (layerWeights(config) * config.layers() + (double) config.vocabulary() * config.hidden())
                / limits.gigaflops()
                / 1e9;
        out.printf(
                Locale.ROOT,
                "decode, %d %s: %.1f tokens/s, weights at %.1f GB/s (%.0f %% of the limit, which is %s)%n",
                sequences,
                sequences == 1 ? "sequence" : "sequences",
                sequences / seconds,
                bytes / seconds / 1e9,
                100 * Math.max(reading, multiplying) / seconds,
                reading > multiplying ? "reading" : "multiplying");
        out.flush();
    }

    private static long layerWeights(LlamaConfig config) {
        return (long) config.hidden() * config.headDim() * (2L * config.heads() + 2L * config.kvHeads())
                + 3L * config.hidden() * config.ffn();
    }

    private static void prefill(PrintWriter out, LlamaModel loaded, MachineLimits limits) {
        LlamaConfig config = loaded.config();
        int length = Math.min(config.contextLength(), PROMPT);
        KvStorage kv = loaded.newKvStorage((length + KvStorage.BLOCK - 1) / KvStorage.BLOCK);
        int[] tokens = new int[length];
        int[] positions = new int[length];
        int[] table = new int[kv.blocks()];
        Arrays.setAll(tokens, i -> i * 31 % config.vocabulary());
        Arrays.setAll(positions, i -> i);
        Arrays.setAll(table, i -> i);
        ForwardBatch batch =
                new ForwardBatch(tokens, positions, new int[length], new int[][] {table}, new int[] {length - 1});
        float[][] logits = new float[1][config.vocabulary()];
        double best = Double.MAX_VALUE;
        for (int run = 0; run < PREFILLS; run++) {
            long start = System.nanoTime();
            loaded.forward(batch, kv, logits);
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        double flops = 2.0 * length * layerWeights(config) * config.layers() / best;
        out.printf(
                Locale.ROOT,
                "prefill of %d: %.1f tokens/s, projections at %.1f GFLOPS (%.0f %% of multiply-adds)%n",
                length,
                length / best,
                flops / 1e9,
                flops / 1e7 / limits.gigaflops());
    }
}
