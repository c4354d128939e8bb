package io.altiplano.worker.sampling;

import java.util.Arrays;
import java.util.Set;

/**
 * Chooses a token from logits, the same one on every machine.
 *
 * <p>Weights are integers: exp((logit - greatest) / temperature) in 2^-{@value #FRACTION_BITS}ths, by {@link StrictMath},
 * rounded. Integer sums do not depend on their order, and neither the nucleus nor the choice can turn on a rounding error
 * of a sum. What weighs less than half a unit (about e^-28 of the greatest) is never chosen.
 *
 * <p>The noise is a function of the seed and of the token's position in the answer alone ({@link Philox}), so an answer that
 * is taken up again elsewhere goes on as it would have.
 *
 * <p>Keeps working memory; for one thread.
 */
public final class Sampler {
    private static final int FRACTION_BITS = 40;
    private static final int ID_BITS = 22;
    private static final double UNIT = (double) (1L << FRACTION_BITS);
    /** Below this the weight rounds to 0: ln(2^-41), a little widened. */
    private static final double NEGLIGIBLE = -28.5;

    private long[] weights = new long[0];
    private long[] order = new long[0];
    private float[] adjusted = new float[0];

    /**
     * The next token.
     *
     * @param modelLogits of the whole vocabulary; not changed
     * @param history what penalties look at: the prompt, and the answer before this token
     * @param position the token's place in the answer, from 0
     * @param forbidden tokens that must not be chosen
     * @throws IllegalStateException if a logit is NaN or the greatest is infinite: the model's arithmetic is broken
     */
    public int choose(
            float[] modelLogits, SamplingParams params, TokenHistory history, int position, Set<Integer> forbidden) {
        float[] logits = modelLogits;
        if (params.adjusts()) {
            if (adjusted.length != logits.length) {
                adjusted = new float[logits.length];
            }
            System.arraycopy(modelLogits, 0, adjusted, 0, logits.length);
            history.adjust(adjusted, params);
            logits = adjusted;
        }
        int best = greatest(logits, forbidden);
        if (params.temperature() == 0) {
            return best;
        }
        long total = weigh(logits, logits[best], params.temperature(), forbidden);
        if (params.minP() > 0 || params.topK() > 0 || params.topP() < 1) {
            total = keepLikeliest(logits.length, params);
        }
        long remaining = Math.unsignedMultiplyHigh(Philox.bits(params.seed(), position, params.choice()), total);
        for (int id = 0; id < logits.length; id++) {
            remaining -= weights[id];
            if (remaining < 0) {
                return id;
            }
        }
        throw new IllegalStateException("the weights of a distribution do not sum up to their total");
    }

    /** The lowest id among the greatest logits. */
    private static int greatest(float[] logits, Set<Integer> forbidden) {
        int best = -1;
        for (int id = 0; id < logits.length; id++) {
            float logit = logits[id];
            if (Float.isNaN(logit)) {
                throw new IllegalStateException("the logit of token " + id + " is not a number");
            }
            if ((best < 0 || logit > logits[best]) && !forbidden.contains(id)) {
                best = id;
            }
        }
        if (best < 0 || Float.isInfinite(logits[best])) {
            throw new IllegalStateException("no token has a finite greatest logit");
        }
        return best;
    }

    private long weigh(float[] logits, float greatest, float temperature, Set<Integer> forbidden) {
        if (logits.length > 1 << ID_BITS) {
            throw new IllegalArgumentException("a vocabulary of " + logits.length + " tokens is too large to sample");
        }
        if (weights.length < logits.length) {
            weights = new long[logits.length];
            order = new long[logits.length];
        }
        long total = 0;
        for (int id = 0; id < logits.length; id++) {
            double x = ((double) logits[id] - greatest) / temperature;
            weights[id] = x < NEGLIGIBLE ? 0 : Math.round(StrictMath.exp(x) * UNIT);
        }
        for (int id : forbidden) {
            if (id < logits.length) {
                weights[id] = 0;
            }
        }
        for (int id = 0; id < logits.length; id++) {
            total += weights[id];
        }
        return total;
    }

    /**
     * Keeps the tokens that min_p, then top_k, then top_p leave, and returns their weight. The heaviest token weighs one
     * unit of 2^{@value #FRACTION_BITS}. Equal weights stand by ascending id.
     */
    private long keepLikeliest(int vocabulary, SamplingParams params) {
        long least = Math.max(1, (long) Math.ceil((double) params.minP() * UNIT));
        int candidates = 0;
        for (int id = 0; id < vocabulary; id++) {
            if (weights[id] >= least) {
                order[candidates++] = weights[id] << ID_BITS | ((1 << ID_BITS) - 1 - id);
            }
        }
        Arrays.sort(order, 0, candidates);
        int first = params.topK() == 0 ? 0 : Math.max(0, candidates - params.topK());
        long total = 0;
        for (int i = first; i < candidates; i++) {
            total += order[i] >>> ID_BITS;
        }
        long bound = params.topP() < 1 ? (long) Math.ceil((double) params.topP() * total) : total;
        Arrays.fill(weights, 0, vocabulary, 0);
        long kept = 0;
        for (int i = candidates - 1; i >= first && kept < bound; i--) {
            long weight = order[i] >>> ID_BITS;
            weights[(1 << ID_BITS) - 1 - (int) (order[i] & ((1 << ID_BITS) - 1))] = weight;
            kept += weight;
        }
        return kept;
    }
}
