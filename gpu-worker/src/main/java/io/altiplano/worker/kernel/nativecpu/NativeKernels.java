package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The AVX-512 backend. Weights lie as the Vector API backend packs them, so either reads what the other wrote. It exists only
 * where the processor has what it needs and {@link SelfTest} found the bits of pure Java.
 */
public final class NativeKernels implements Kernels {
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
                kernels = open(NativeLibrary.extract(), true);
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
     * @param bf16Products whether AVX512-BF16 may be used where the machine has it
     */
    static NativeKernels open(Path file, boolean bf16Products) throws NativeUnavailableException {
        NativeKernels kernels = new NativeKernels(NativeLibrary.open(file, bf16Products));
        String difference = SelfTest.difference(kernels, new CpuKernels());
        if (!difference.isEmpty()) {
            throw new NativeUnavailableException("the self-test failed: " + difference);
        }
        return kernels;
    }

    /**
     * The same without AVX512-BF16, as on processors that lack it.
     *
     * @throws NativeUnavailableException saying why it cannot be used here
     */
    public static NativeKernels withoutBf16() throws NativeUnavailableException {
        return open(NativeLibrary.extract(), false);
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
        return library.bf16Products() ? "AVX512-BF16" : "AVX-512F";
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
