package io.altiplano.worker.engine;

import io.altiplano.worker.batch.Slice;
import io.altiplano.worker.model.ForwardBatch;
import io.altiplano.worker.model.LoraAdapter;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The rows of one step. */
final class StepRows {
    private StepRows() {}

    /** Each slice's tokens, one after the other; logits are wanted of the last token of those that reach their end. */
    static ForwardBatch of(List<Slice> slices, Function<Slice, Generation> generationOf) {
        int rows = slices.stream().mapToInt(Slice::count).sum();
        int[] tokens = new int[rows];
        int[] positions = new int[rows];
        int[] sequence = new int[rows];
        int[][] tables = new int[slices.size()][];
        @Nullable LoraAdapter[] adapters = new @Nullable LoraAdapter[slices.size()];
        int[] logitRows =
                new int[(int) slices.stream().filter(Slice::reachesEnd).count()];
        int row = 0;
        int wanted = 0;
        for (int s = 0; s < slices.size(); s++) {
            Slice slice = slices.get(s);
            tables[s] = slice.sequence().blocks();
            adapters[s] = generationOf.apply(slice).adapter();
            for (int i = 0; i < slice.count(); i++, row++) {
                tokens[row] = slice.sequence().token(slice.from() + i);
                positions[row] = slice.from() + i;
                sequence[row] = s;
            }
            if (slice.reachesEnd()) {
                logitRows[wanted++] = row - 1;
            }
        }
        return new ForwardBatch(tokens, positions, sequence, tables, adapters, logitRows);
    }
}
