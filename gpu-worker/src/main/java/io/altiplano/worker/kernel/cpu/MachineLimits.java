package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.Lanes.F;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * What this machine can do at most, measured with the engine's own vectors: kernels are judged as shares of it.
 *
 * @param threads threads that measured together
 * @param readGigabytes bytes read from memory a second, in 10^9
 * @param gigaflops operations a second in fused multiply-adds of the probe's kind, in 10^9 (one is two operations)
 */
public record MachineLimits(int threads, double readGigabytes, double gigaflops) {
    private static final int RUNS = 7;
    private static final long BYTES = 256L << 20;
    private static final int CHAINS = 12;
    private static final int STEPS = 2_000_000;

    /** The Vector API's: F32 multiply-adds. */
    public static final LimitProbe VECTOR = new LimitProbe() {
        @Override
        public long read(MemorySegment memory) {
            return sum(memory);
        }

        @Override
        public float multiply(int steps) {
            return chains(steps);
        }

        @Override
        public int operations() {
            return 2 * CHAINS * F.length();
        }
    };

    /** Measures for about a second; the best of several runs counts, as a limit is not what a busy machine reached. */
    public static MachineLimits measure(int threads, LimitProbe probe) {
        double read = 0;
        double flops = 0;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment[] memory = new MemorySegment[threads];
            Arrays.setAll(
                    memory,
                    i -> arena.allocate(BYTES / threads / 4096 * 4096, 4096).fill((byte) 1));
            for (int run = 0; run < RUNS; run++) {
                read = Math.max(read, (double) BYTES / nanos(threads, i -> probe.read(memory[i])));
                flops = Math.max(
                        flops,
                        (double) threads * probe.operations() * STEPS / nanos(threads, i -> probe.multiply(STEPS)));
            }
        }
        return new MachineLimits(threads, read, flops);
    }

    private interface Work {
        float run(int thread);
    }

    private static long nanos(int threads, Work work) {
        float[] sink = new float[threads];
        Thread[] others = new Thread[threads];
        long start = System.nanoTime();
        IntStream.range(0, threads).forEach(i -> others[i] = Thread.ofPlatform().start(() -> sink[i] = work.run(i)));
        boolean interrupted = false;
        for (Thread other : others) {
            while (other.isAlive()) {
                try {
                    other.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        long nanos = System.nanoTime() - start;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return nanos;
    }

    /** Reads everything in four streams. */
    private static byte sum(MemorySegment memory) {
        long quarter = memory.byteSize() / 4;
        ByteVector a = ByteVector.zero(Lanes.B);
        ByteVector b = a;
        ByteVector c = a;
        ByteVector d = a;
        for (long at = 0; at < quarter; at += Lanes.B.length()) {
            a = a.lanewise(
                    VectorOperators.XOR, ByteVector.fromMemorySegment(Lanes.B, memory, at, ByteOrder.LITTLE_ENDIAN));
            b = b.lanewise(
                    VectorOperators.XOR,
                    ByteVector.fromMemorySegment(Lanes.B, memory, at + quarter, ByteOrder.LITTLE_ENDIAN));
            c = c.lanewise(
                    VectorOperators.XOR,
                    ByteVector.fromMemorySegment(Lanes.B, memory, at + 2 * quarter, ByteOrder.LITTLE_ENDIAN));
            d = d.lanewise(
                    VectorOperators.XOR,
                    ByteVector.fromMemorySegment(Lanes.B, memory, at + 3 * quarter, ByteOrder.LITTLE_ENDIAN));
        }
        return a.lanewise(VectorOperators.XOR, b)
                .lanewise(VectorOperators.XOR, c)
                .lanewise(VectorOperators.XOR, d)
                .reduceLanes(VectorOperators.OR);
    }

    /** As many independent chains of multiply-adds as hide their latency. */
    private static float chains(int steps) {
        FloatVector x = FloatVector.broadcast(F, 0.5f);
        FloatVector y = FloatVector.broadcast(F, 1f);
        FloatVector a = y;
        FloatVector b = y;
        FloatVector c = y;
        FloatVector d = y;
        FloatVector e = y;
        FloatVector f = y;
        FloatVector g = y;
        FloatVector h = y;
        FloatVector i = y;
        FloatVector j = y;
        FloatVector k = y;
        FloatVector l = y;
        for (int step = 0; step < steps; step++) {
            a = a.fma(x, y);
            b = b.fma(x, y);
            c = c.fma(x, y);
            d = d.fma(x, y);
            e = e.fma(x, y);
            f = f.fma(x, y);
            g = g.fma(x, y);
            h = h.fma(x, y);
            i = i.fma(x, y);
            j = j.fma(x, y);
            k = k.fma(x, y);
            l = l.fma(x, y);
        }
        FloatVector sum = a.add(b)
                .add(c)
                .add(d)
                .add(e)
                .add(f)
                .add(g)
                .add(h)
                .add(i)
                .add(j)
                .add(k)
                .add(l);
        return sum.reduceLanes(VectorOperators.ADD);
    }
}
