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
        for (int from = 0; from < tokens.length; from += chunk) {
            int count = Math.min(chunk, tokens.length - from);
            float[][] found = advance(tokens, from, count);
            for (int i = 0; i < count && from + i + 1 < tokens.length; i++) {
                scores[from + i + 1] = logProbability(found[i], tokens[from + i + 1]);
            }
        }
        if (tokens.length > 0) {
            scores[0] = Double.NaN;
        }
        return scores;
    }

    /** Most positions that {@link #advance} computes at a time. */
    int chunk() {
        return chunk;
    }

    /**
     * The logits of positions {@code from..from+count-1} of a text whose positions before have been computed.
     *
     * @return [count][vocabulary], valid until the next call
     */
    float[][] advance(int[] tokens, int from, int count) {
        int blocks = (tokens.length + KvStorage.BLOCK - 1) / KvStorage.BLOCK;
        if (kv.blocks() < blocks) {
            kv = model.newKvStorage(blocks);
        }
        int[] table = new int[blocks];
        Arrays.setAll(table, i -> i);
        int[] rows = new int[count];
        Arrays.setAll(rows, i -> i);
        int[] positions = new int[count];
        Arrays.setAll(positions, i -> from + i);
        ForwardBatch batch = new ForwardBatch(
                Arrays.copyOfRange(tokens, from, from + count), positions, new int[count], new int[][] {table}, rows);
        float[][] found = Arrays.copyOf(logits, count);
        model.forward(batch, kv, found);
        return found;
    }

    /** {@code logits[token] - log(sum of exp(logits))}, in double. */
    static double logProbability(float[] logits, int token) {
        return logits[token] - logSumExp(logits);
    }

    /** {@code log(sum of exp(logits))}, in double. */
    static double logSumExp(float[] logits) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp((double) logit - max);
        }
        return max + Math.log(sum);
    }
}
