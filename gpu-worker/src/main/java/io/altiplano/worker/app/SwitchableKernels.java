package io.altiplano.worker.app;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Backends of one layout, one at a time: a model is packed once and measured with each. */
final class SwitchableKernels implements Kernels {
    private final List<Kernels> backends;
    private volatile Kernels chosen;

    /** @param backends of one layout, at least one */
    SwitchableKernels(List<Kernels> backends) {
        this.backends = backends;
        chosen = backends.getFirst();
        for (Kernels other : backends) {
            if (!other.layout().equals(chosen.layout())) {
                throw new IllegalArgumentException(other.name() + " has another layout than " + chosen.name());
            }
        }
    }

    /** From the next operation on; not while one runs. */
    void choose(Kernels backend) {
        chosen = backend;
    }

    @Override
    public String name() {
        return chosen.name();
    }

    @Override
    public PackedMatrix pack(
            FloatRows source, WeightType type, Slicing slicing, float @Nullable [] rowScales, Arena arena) {
        return chosen.pack(source, type, slicing, rowScales, arena);
    }

    @Override
    public String layout() {
        return chosen.layout();
    }

    @Override
    public PackedMatrix adopt(
            MemorySegment memory, int rows, WeightType type, Slicing slicing, float @Nullable [] rowScales) {
        return chosen.adopt(memory, rows, type, slicing, rowScales);
    }

    @Override
    public RankKernels forRank(int threads) {
        return new Rank(threads);
    }

    private final class Rank implements RankKernels {
        private final int threads;
        private final Map<Kernels, RankKernels> ranks = new ConcurrentHashMap<>();

        Rank(int threads) {
            this.threads = threads;
        }

        private RankKernels now() {
            return ranks.computeIfAbsent(chosen, kernels -> kernels.forRank(threads));
        }

        @Override
        public void matmul(PackedMatrix w, float[] x, int rows, float[] out) {
            now().matmul(w, x, rows, out);
        }

        @Override
        public void rowAbsMax(float[] x, int rows, int width, float[] absMax) {
            now().rowAbsMax(x, rows, width, absMax);
        }

        @Override
        public void quantize(float[] x, int rows, int width, float[] scales) {
            now().quantize(x, rows, width, scales);
        }

        @Override
        public void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out) {
            now().rmsNorm(x, rows, width, weight, epsilon, out);
        }

        @Override
        public void attention(
                AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
            now().attention(batch, qkv, stride, heads, kv, scale, out);
        }

        @Override
        public void swiGlu(float[] gateUp, int rows, int width, float[] out) {
            now().swiGlu(gateUp, rows, width, out);
        }

        @Override
        public void close() {
            new ArrayList<>(ranks.values()).forEach(RankKernels::close);
        }
    }

    /** All of them. */
    List<Kernels> backends() {
        return backends;
    }
}
