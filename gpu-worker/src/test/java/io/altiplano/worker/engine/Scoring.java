package io.altiplano.worker.engine;

import io.altiplano.worker.kvcache.BlockTable;
import io.altiplano.worker.model.ForwardBatch;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Work as an evaluation does it: a text's log-probability, a row a unit, over keys and values of its own. */
class Scoring implements SharedWork {
    private final int[] tokens;
    private final CompletableFuture<End> end = new CompletableFuture<>();
    private int computed;
    private double sum;

    Scoring(int[] tokens) {
        this.tokens = tokens;
    }

    @Override
    public int blocks() {
        return BlockTable.blocksFor(tokens.length);
    }

    @Override
    public int step(Place place, int most) {
        int count = Math.min(most, tokens.length - computed);
        if (count == 0) {
            return 0;
        }
        int from = computed;
        int[] rows = new int[count];
        Arrays.setAll(rows, i -> i);
        int[] positions = new int[count];
        Arrays.setAll(positions, i -> from + i);
        float[][] logits = new float[count][place.model().config().vocabulary()];
        place.model()
                .forward(
                        new ForwardBatch(
                                Arrays.copyOfRange(tokens, from, from + count),
                                positions,
                                new int[count],
                                new int[][] {place.blocks()},
                                rows),
                        place.storage(),
                        logits);
        for (int i = 0; i < count && from + i + 1 < tokens.length; i++) {
            sum += logProbability(logits[i], tokens[from + i + 1]);
        }
        computed += count;
        return count;
    }

    private static double logProbability(float[] logits, int token) {
        double total = 0;
        for (float logit : logits) {
            total += Math.exp(logit);
        }
        return logits[token] - Math.log(total);
    }

    @Override
    public void ended(End how) {
        if (!end.complete(how)) {
            throw new AssertionError("ended twice: " + how);
        }
    }

    /** How it ended, waited for. */
    End end() throws Exception {
        return end.get(60, TimeUnit.SECONDS);
    }

    /** The sum of the text's log-probabilities, once it has ended. */
    double sum() {
        return sum;
    }
}
