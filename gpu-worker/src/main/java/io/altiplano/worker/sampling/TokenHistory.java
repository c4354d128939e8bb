package io.altiplano.worker.sampling;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** Which tokens a prompt and its answer have so far: what penalties look at. For one answer and one thread. */
public final class TokenHistory {
    private final BitSet prompt = new BitSet();
    private final Map<Integer, Integer> answer = new HashMap<>();

    /** Of a prompt, with no answer yet. */
    public static TokenHistory of(int[] prompt) {
        TokenHistory history = new TokenHistory();
        for (int id : prompt) {
            history.prompt.set(id);
        }
        return history;
    }

    /** The answer has one more token. */
    public void add(int id) {
        answer.merge(id, 1, Integer::sum);
    }

    /**
     * Applies penalties and bias, in F32 and in this order: repetition, frequency, presence, bias.
     *
     * @param logits of the whole vocabulary; overwritten
     */
    void adjust(float[] logits, SamplingParams params) {
        SamplingParams.Penalties penalties = params.penalties();
        float repetition = penalties.repetition();
        if (repetition != 1) {
            for (int id = prompt.nextSetBit(0); id >= 0 && id < logits.length; id = prompt.nextSetBit(id + 1)) {
                logits[id] = repeated(logits[id], repetition);
            }
        }
        answer.forEach((id, count) -> {
            float logit = logits[id];
            if (repetition != 1 && !prompt.get(id)) {
                logit = repeated(logit, repetition);
            }
            logits[id] = logit - penalties.frequency() * count - penalties.presence();
        });
        params.bias().forEach((id, bias) -> logits[id] += bias);
    }

    private static float repeated(float logit, float penalty) {
        return logit > 0 ? logit / penalty : logit * penalty;
    }
}
