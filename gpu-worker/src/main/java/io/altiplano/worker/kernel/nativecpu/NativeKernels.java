package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.cpu.LimitProbe;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The AVX-512 backend. Weights lie as the Vector API backend packs them, so either reads what the other wrote. It exists only
 * where the processor has what it needs and {@link SelfTest} found the bits of pure Java.
 */
public final class NativeKernels implements Kernels {
    private static final int RATE_STEPS = 20_000;

    private final NativeLibrary library;
    private final CpuKernels java = new CpuKernels();

    private NativeKernels(NativeLibrary library) {
        this.library = library;
    }

    /**
     * The library built with these classes, loaded and tested once a process.
     *
     * @throws NativeUnavailableException saying why it cannot be used here
     */
    public static NativeKernels open() throws NativeUnavailableException {
        if (Opened.KERNELS == null) {
            throw new NativeUnavailableException(Opened.REASON);
        }
        return Opened.KERNELS;
    }

    /** A library is loaded for the process's life, so its one use is too. */
    private static final class Opened {
        static final @Nullable NativeKernels KERNELS;
        static final String REASON;

        static {
            NativeKernels kernels = null;
            String reason = "";
            try {
                kernels = fastest(variants());
            } catch (NativeUnavailableException e) {
                reason = String.valueOf(e.getMessage());
            }
            KERNELS = kernels;
            REASON = reason;
        }
    }

    /**
     * Loads a library and tests it.
     *
     * @param instructions for FP8 weights
     * @param test what it must stand
     */
    static NativeKernels open(Path file, Instructions instructions, SelfTest test) throws NativeUnavailableException {
        NativeKernels kernels = new NativeKernels(NativeLibrary.open(file, instructions));
        String difference = test.difference(kernels);
        if (!difference.isEmpty()) {
            throw new NativeUnavailableException("the self-test of %s failed: %s".formatted(instructions, difference));
        }
        return kernels;
    }

    /**
     * One for each way to multiply FP8 weights that this processor has, the simplest first.
     *
     * @throws NativeUnavailableException if it has none, saying why
     */
    public static List<NativeKernels> variants() throws NativeUnavailableException {
        Path file = NativeLibrary.extract();
        try {
            // Plain loops: in a process that has just begun, the Vector API takes twice as long for the same bits.
            SelfTest test = new SelfTest(new ReferenceKernels());
            List<NativeKernels> all = new ArrayList<>();
            all.add(open(file, Instructions.AVX512, test));
            for (Instructions more : List.of(Instructions.AVX512_VBMI, Instructions.AVX512_BF16)) {
                try {
                    all.add(open(file, more, test));
                } catch (NativeUnavailableException e) {
                    // This processor lacks them, or rounds otherwise with them: the ones before serve.
                }
            }
            return all;
        } finally {
            // What is loaded needs no name any more, and so nothing is left behind however the process ends.
            NativeLibrary.delete(file);
        }
    }

    /** Some processors run AVX512-BF16 at a quarter of the rate of F32 multiply-adds, so the rate decides. */
    private static NativeKernels fastest(List<NativeKernels> variants) {
        NativeKernels best = variants.getFirst();
        double most = rate(best.f8Probe());
        for (NativeKernels other : variants.subList(1, variants.size())) {
            double rate = rate(other.f8Probe());
            // Widening by tables costs less; equal rates differ by noise.
            if (rate > most * (other.library.instructions() == Instructions.AVX512_VBMI ? 0.5 : 1.2)) {
                best = other;
                most = Math.max(rate, most);
            }
        }
        return best;
    }

    private static double rate(LimitProbe probe) {
        double best = 0;
        for (int run = 0; run < 5; run++) {
            long start = System.nanoTime();
            probe.multiply(RATE_STEPS);
            best = Math.max(best, (double) probe.operations() / (System.nanoTime() - start));
        }
        return best;
    }

    @Override
    public String name() {
        return "native";
    }

    /** That of pure Java, whose bits these are: an answer may go on on a worker without AVX-512. */
    @Override
    public String numerics() {
        return java.numerics();
    }

    /** Which instructions multiply FP8 weights. */
    public String instructions() {
        return library.instructions().name();
    }

    /** What FP8 products are held against. */
    public LimitProbe f8Probe() {
        return new NativeProbe(library, library.instructions() == Instructions.AVX512_BF16);
    }

    /** What attention and products of other types are held against. */
    public LimitProbe f32Probe() {
        return new NativeProbe(library, false);
    }

    @Override
    public PackedMatrix pack(
            FloatRows source, WeightType type, Slicing slicing, float @Nullable [] rowScales, Arena arena) {
        return java.pack(source, type, slicing, rowScales, arena);
    }

    @Override
    public String layout() {
        return java.layout();
    }

    @Override
    public PackedMatrix adopt(
            MemorySegment memory, int rows, WeightType type, Slicing slicing, float @Nullable [] rowScales) {
        return java.adopt(memory, rows, type, slicing, rowScales);
    }

    @Override
    public RankKernels forRank(int threads) {
        return new NativeRankKernels(library, threads);
    }
}
