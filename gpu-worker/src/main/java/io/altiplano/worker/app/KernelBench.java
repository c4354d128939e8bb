package io.altiplano.worker.app;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.kernel.cpu.LimitProbe;
import io.altiplano.worker.kernel.cpu.MachineLimits;
import io.altiplano.worker.tensor.E4m3;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Single kernels on one thread, in its processor time, so that a busy machine costs caches and bandwidth but not the wait for a
 * core. Before each run the same thread measures its limits, on the same memory; the median of the runs' shares counts.
 */
final class KernelBench {
    private static final int[] BATCHES = {1, 2, 4, 8, 16, 512};
    private static final int WIDTH = 2048;
    private static final int OUTPUTS = 8192;
    private static final int MATRICES = 16;
    /** Of this thread's processor time: by then the compiler has seen a kernel often enough. */
    private static final long WARM_UP_NANOS = 800_000_000L;
    /** Attention in Java is much to compile. */
    private static final long ATTENTION_WARM_UP_NANOS = 2_000_000_000L;

    private static final int PROBE_STEPS = 150_000;
    /** Probes read a multiple of it: four streams of vectors. */
    private static final int READ = 256;

    private static final int POSITIONS = 4000;
    private static final int HEADS = 32;
    private static final int KV_HEADS = 8;
    private static final int HEAD_DIM = 64;

    private final ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    private final PrintWriter out;
    private final int runs;

    KernelBench(PrintWriter out, int runs) {
        this.out = out;
        this.runs = runs;
    }

    /** Seconds of this thread on a processor. */
    private double seconds(Runnable work) {
        long start = clock.getCurrentThreadCpuTime();
        work.run();
        return (clock.getCurrentThreadCpuTime() - start) / 1e9;
    }

    /** What a kernel did in a run, and what it could have done. */
    private record Run(double gigabytes, double gigaflops, double share) {}

    void run(List<BenchBackend> backends) {
        out.println("kernels on one thread, in its processor time; FP8 weights, 8192 x 2048 and 2048 x 8192");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate((long) MATRICES * WIDTH * OUTPUTS, 1 << 21);
            fill(memory);
            for (BenchBackend backend : backends) {
                out.println(
                        backend.kernels().name() + ", " + LimitsCommand.text(MachineLimits.measure(1, backend.f8())));
                try (RankKernels rank = backend.kernels().forRank(1)) {
                    for (int rows : BATCHES) {
                        print(backend, "M=" + rows, product(backend, rank, memory, rows), rows);
                    }
                    for (KvType type : List.of(KvType.BF16, KvType.FP8, KvType.F32)) {
                        attention(backend, rank, type, 64);
                        attention(backend, rank, type, 1);
                    }
                }
            }
        }
    }

    /** Weights as quantization leaves them: normal, with the greatest of a row at E4M3's end. */
    private static void fill(MemorySegment memory) {
        SplittableRandom random = new SplittableRandom(1);
        byte[] some = new byte[1 << 20];
        for (int i = 0; i < some.length; i++) {
            some[i] = E4m3.encode((float) (random.nextGaussian() * E4m3.MAX / 4));
        }
        for (long at = 0; at < memory.byteSize(); at += some.length) {
            MemorySegment.copy(some, 0, memory, ValueLayout.JAVA_BYTE, at, some.length);
        }
    }

    private Run product(BenchBackend backend, RankKernels rank, MemorySegment memory, int rows) {
        SplittableRandom random = new SplittableRandom(rows);
        float[] x = new float[rows * OUTPUTS];
        for (int i = 0; i < x.length; i++) {
            x[i] = E4m3.round((float) random.nextGaussian());
        }
        float[] result = new float[rows * OUTPUTS];
        float[] scales = new float[OUTPUTS];
        long bytes = (long) WIDTH * OUTPUTS;
        List<PackedMatrix> matrices = new ArrayList<>();
        for (int i = 0; i < MATRICES; i++) {
            boolean wide = i % 2 == 0;
            matrices.add(backend.kernels()
                    .adopt(
                            memory.asSlice(i * bytes, bytes),
                            wide ? OUTPUTS : WIDTH,
                            WeightType.F8,
                            Slicing.whole(wide ? WIDTH : OUTPUTS),
                            scales));
        }
        int together = rows > 16 ? 2 : 4;
        List<Run> all = new ArrayList<>();
        int count = rows > 16 ? runs : 4 * runs;
        long begin = clock.getCurrentThreadCpuTime();
        for (int run = 0; all.size() < count; run++) {
            int first = run * together % MATRICES;
            Run done = against(
                    backend.f8(),
                    memory.asSlice(first * bytes, together * bytes),
                    2.0 * together * bytes * rows,
                    () -> {
                        for (int i = first; i < first + together; i++) {
                            rank.matmul(matrices.get(i), x, rows, result);
                        }
                    });
            if (run > 0 && clock.getCurrentThreadCpuTime() - begin > WARM_UP_NANOS) {
                all.add(done);
            }
        }
        return median(all);
    }

    /** One run between measurements of what it is held against: reading all of its memory once, or its operations. */
    private Run against(LimitProbe probe, MemorySegment memory, double operations, Runnable work) {
        double took = seconds(work);
        double read = seconds(() -> probe.read(memory));
        double multiply = seconds(() -> probe.multiply(PROBE_STEPS)) / PROBE_STEPS / probe.operations();
        double least = Math.max(read, operations * multiply);
        return new Run(memory.byteSize() / took / 1e9, operations / took / 1e9, least / took);
    }

    private static Run median(List<Run> runs) {
        List<Run> sorted = new ArrayList<>(runs);
        Collections.sort(sorted, (a, b) -> Double.compare(a.share(), b.share()));
        return sorted.get(sorted.size() / 2);
    }

    private void print(BenchBackend backend, String what, Run run, int key) {
        Double prototype = backend.prototype().get(key);
        out.printf(
                Locale.ROOT,
                "%-9s %-22s %6.1f GB/s %6.1f GFLOPS  %4.2f of the limit%s%n",
                backend.kernels().name(),
                what,
                run.gigabytes(),
                run.gigaflops(),
                run.share(),
                prototype == null
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                "; prototype %.2f%s",
                                prototype,
                                run.share() < prototype / 2 ? ", LESS THAN HALF OF IT" : ""));
        out.flush();
    }

    /** The last {@code rows} rows of one sequence of {@value #POSITIONS} tokens. */
    private void attention(BenchBackend backend, RankKernels rank, KvType type, int rows) {
        int blocks = POSITIONS / KvSlab.BLOCK;
        SplittableRandom random = new SplittableRandom(rows);
        KvSlab kv = KvSlab.of(type, blocks, KV_HEADS, HEAD_DIM);
        float[] x = new float[2 * HEAD_DIM];
        for (int token = 0; token < blocks * KvSlab.BLOCK; token++) {
            for (int head = 0; head < KV_HEADS; head++) {
                for (int i = 0; i < x.length; i++) {
                    x[i] = (float) random.nextDouble(-1, 1);
                }
                kv.store(token / KvSlab.BLOCK, head, token % KvSlab.BLOCK, x, 0, HEAD_DIM);
            }
        }
        int[] positions = new int[rows];
        Arrays.setAll(positions, m -> POSITIONS - rows + m);
        int[] table = new int[blocks];
        Arrays.setAll(table, i -> i);
        AttentionRows batch = new AttentionRows(rows, positions, new int[rows], new int[][] {table});
        float[] q = new float[rows * HEADS * HEAD_DIM];
        for (int i = 0; i < q.length; i++) {
            q[i] = (float) random.nextDouble(-1, 1);
        }
        float[] result = new float[q.length];
        double operations = 4.0 * rows * POSITIONS * HEAD_DIM * HEADS;
        List<Run> all = new ArrayList<>();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment asMuch = arena.allocate(kv.bytes() / READ * READ, 64).fill((byte) 1);
            long begin = clock.getCurrentThreadCpuTime();
            for (int run = 0; all.size() < runs; run++) {
                Run done = against(
                        backend.f32(),
                        asMuch,
                        operations,
                        () -> rank.attention(batch, q, HEADS * HEAD_DIM, HEADS, kv, 0.125f, result));
                if (run > 0 && clock.getCurrentThreadCpuTime() - begin > ATTENTION_WARM_UP_NANOS) {
                    all.add(done);
                }
            }
        }
        print(
                backend,
                "attention %s, %d %s".formatted(type, rows, rows == 1 ? "row" : "rows"),
                median(all),
                type == KvType.BF16 ? BenchBackend.ATTENTION : BenchBackend.NO_PROTOTYPE);
    }
}
