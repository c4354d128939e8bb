package io.altiplano.worker.kernel;

import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** One arithmetic backend. Stateless; what needs scratch memory is {@link RankKernels}. */
public interface Kernels {
    /** The backend's name, such as {@code reference}. */
    String name();

    /** What the numerics fingerprint calls it: backends of equal bits may share a name. */
    default String numerics() {
        return name();
    }

    /**
     * Packs a rank's share of a weight matrix.
     *
     * @param source [rows, {@code slicing.localColumns()}], the owned columns alone
     * @param type F8 divides each value by its row's scale and rounds; BF16 requires values that BF16 holds exactly
     * @param rowScales a scale for each row if {@code type} is F8, else null
     * @param arena owns the packed memory
     * @throws IllegalArgumentException if a value is not finite
     */
    PackedMatrix pack(FloatRows source, WeightType type, Slicing slicing, float @Nullable [] rowScales, Arena arena);

    /** The name of the layout that {@link PackedMatrix#memory} has, for files that keep it; empty if it is not to be kept. */
    default String layout() {
        return "";
    }

    /**
     * A matrix over memory that {@link PackedMatrix#memory} once gave, mapped from a file perhaps: nothing is converted.
     *
     * @param rowScales a scale for each row if {@code type} is F8, else null
     * @throws IllegalArgumentException if the memory is of another size, or a value in it is not finite
     */
    default PackedMatrix adopt(
            MemorySegment memory, int rows, WeightType type, Slicing slicing, float @Nullable [] rowScales) {
        throw new UnsupportedOperationException(name() + " keeps no layout");
    }

    /** The operations of one rank, computing on {@code threads} threads, the caller's among them. */
    RankKernels forRank(int threads);
}
