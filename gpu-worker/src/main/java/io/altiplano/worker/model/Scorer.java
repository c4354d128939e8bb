package io.altiplano.worker.model;

import io.altiplano.worker.kvcache.KvStorage;
import java.util.Arrays;

/** Log-probabilities of given texts, by chunked prefill. Keeps its KV storage between texts. For one caller thread. */
public final class Scorer {
    private static final int CHUNK = 256;
    /** Logits held at a time: fewer rows a chunk for large vocabularies. */
    private static final int MOST_LOGITS = 1 << 24;

    private final LlamaModel model;
    private final int chunk;
    private final float[][] logits;
    private KvStorage kv;

    public Scorer(LlamaModel model) {
        this.model = model;
        int vocabulary = model.config().vocabulary();
        chunk = Math.clamp(MOST_LOGITS / vocabulary, 1, CHUNK);
        logits = new float[chunk][vocabulary];
        kv = model.newKvStorage(CHUNK / KvStorage.BLOCK);
    }

    /**
     * The natural logarithm of each token's probability, given those before it.
     *
     * @return as many values as tokens; the first is NaN, as nothing precedes it
     * @throws IllegalArgumentException if the text exceeds the context, or a token is not in the vocabulary
     */
    public double[] score(int[] tokens) {
        if (tokens.length > model.config().contextLength()) {
            throw new IllegalArgumentException("%d tokens exceed the context of %d"
                    .formatted(tokens.length, model.config().contextLength()));
        }
        double[] scores = new double[tokens.length];
        int blocks = (tokens.length + KvStorage.BLOCK - 1) / KvStorage.BLOCK;
        if (kv.blocks() < blocks) {
            kv = model.newKvStorage(blocks);
        }
        int[] table = new int[blocks];
        Arrays.setAll(table, i -> i);
        for (int from = 0; from < tokens.length; from += chunk) {
            int count = Math.min(chunk, tokens.length - from);
            int[] rows = new int[count];
            Arrays.setAll(rows, i -> i);
            int[] positions = new int[count];
            int start = from;
            Arrays.setAll(positions, i -> start + i);
            ForwardBatch batch = new ForwardBatch(
                    Arrays.copyOfRange(tokens, from, from + count),
                    positions,
                    new int[count],
                    new int[][] {table},
                    rows);
            model.forward(batch, kv, Arrays.copyOf(logits, count));
            for (int i = 0; i < count && from + i + 1 < tokens.length; i++) {
                scores[from + i + 1] = logProbability(logits[i], tokens[from + i + 1]);
            }
        }
        if (tokens.length > 0) {
            scores[0] = Double.NaN;
        }
        return scores;
    }

    /** {@code logits[token] - log(sum of exp(logits))}, in double. */
    private static double logProbability(float[] logits, int token) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp((double) logit - max);
        }
        return (double) logits[token] - max - Math.log(sum);
    }
}
