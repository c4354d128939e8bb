package io.altiplano.worker.sampling;

/**
 * Log-probabilities under the model's own distribution, before temperature and nucleus: natural logarithms.
 *
 * @param chosen of the chosen token
 * @param topIds the likeliest tokens, likeliest first, equal ones by ascending id
 * @param topLogprobs theirs
 */
public record TokenLogprobs(float chosen, int[] topIds, float[] topLogprobs) {
    /** Most alternatives reported. */
    public static final int MOST = 20;

    /**
     * Of one token and the {@code top} likeliest.
     *
     * @param logits of the whole vocabulary
     * @param top 0 to {@value #MOST}
     */
    public static TokenLogprobs of(float[] logits, int chosen, int top) {
        if (top < 0 || top > MOST) {
            throw new IllegalArgumentException("top_logprobs must be 0 to " + MOST + ", not " + top);
        }
        double norm = logSumExp(logits);
        int[] ids = likeliest(logits, Math.min(top, logits.length));
        float[] logprobs = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            logprobs[i] = (float) (logits[ids[i]] - norm);
        }
        return new TokenLogprobs((float) (logits[chosen] - norm), ids, logprobs);
    }

    /** ln Σ exp(logit), summed in id order. */
    public static double logSumExp(float[] logits) {
        double greatest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            greatest = Math.max(greatest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += StrictMath.exp(logit - greatest);
        }
        return greatest + StrictMath.log(sum);
    }

    private static int[] likeliest(float[] logits, int count) {
        int[] ids = new int[count];
        int filled = 0;
        for (int id = 0; id < logits.length && count > 0; id++) {
            if (filled == count && logits[id] <= logits[ids[count - 1]]) {
                continue;
            }
            int at = filled < count ? filled++ : count - 1;
            while (at > 0 && logits[ids[at - 1]] < logits[id]) {
                ids[at] = ids[at - 1];
                at--;
            }
            ids[at] = id;
        }
        return ids;
    }
}
