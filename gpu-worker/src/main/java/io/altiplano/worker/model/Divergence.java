package io.altiplano.worker.model;

import java.util.Arrays;
import java.util.List;

/**
 * How far one model's next-token distributions are from another's on given texts: Kullback-Leibler divergence of the other from the
 * reference in nats, perplexities, and how often both think the same token likeliest.
 *
 * @param tokens positions compared
 * @param referencePerplexity of the reference
 * @param perplexity of the other
 * @param meanKl mean divergence a position
 * @param p99Kl the 99th percentile of it
 * @param sameTop share of positions with the same likeliest token
 */
public record Divergence(
        int tokens, double referencePerplexity, double perplexity, double meanKl, double p99Kl, double sameTop) {
    /**
     * A text.
     *
     * @param tokens its tokens
     * @param scored which of them are to be predicted; the first never is
     */
    public record Text(int[] tokens, boolean[] scored) {
        public Text {
            if (tokens.length != scored.length) {
                throw new IllegalArgumentException(
                        "%d tokens, and %d marks of which are scored".formatted(tokens.length, scored.length));
            }
        }

        /** With every token but the first scored. */
        public static Text whole(int[] tokens) {
            boolean[] scored = new boolean[tokens.length];
            Arrays.fill(scored, true);
            return new Text(tokens, scored);
        }
    }

    /**
     * Compares two models of one vocabulary.
     *
     * @throws IllegalArgumentException if a text exceeds a context, a token is not in the vocabulary, or nothing is scored
     */
    public static Divergence of(LlamaModel reference, LlamaModel other, List<Text> texts) {
        Scorer left = new Scorer(reference);
        Scorer right = new Scorer(other);
        double[] divergences =
                new double[texts.stream().mapToInt(t -> t.tokens.length).sum()];
        double referenceLog = 0;
        double otherLog = 0;
        int same = 0;
        int n = 0;
        for (Text text : texts) {
            for (int from = 0; from < text.tokens.length; from += left.chunk()) {
                int count = Math.min(left.chunk(), text.tokens.length - from);
                float[][] p = left.advance(text.tokens, from, count);
                float[][] q = right.advance(text.tokens, from, count);
                for (int i = 0; i < count && from + i + 1 < text.tokens.length; i++) {
                    if (text.scored[from + i + 1]) {
                        int token = text.tokens[from + i + 1];
                        referenceLog += Scorer.logProbability(p[i], token);
                        otherLog += Scorer.logProbability(q[i], token);
                        same += likeliest(p[i]) == likeliest(q[i]) ? 1 : 0;
                        divergences[n++] = divergence(p[i], q[i]);
                    }
                }
            }
        }
        if (n == 0) {
            throw new IllegalArgumentException("no token is to be scored");
        }
        double[] sorted = Arrays.copyOf(divergences, n);
        Arrays.sort(sorted);
        return new Divergence(
                n,
                Math.exp(-referenceLog / n),
                Math.exp(-otherLog / n),
                Arrays.stream(sorted).average().orElse(0),
                sorted[Math.min(n - 1, (int) (0.99 * n))],
                (double) same / n);
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    private static double divergence(float[] p, float[] q) {
        double normP = Scorer.logSumExp(p);
        double normQ = Scorer.logSumExp(q);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            double logP = p[i] - normP;
            sum += Math.exp(logP) * (logP - (q[i] - normQ));
        }
        return Math.max(0, sum);
    }
}
