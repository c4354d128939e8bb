package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.gateway.chat.TokenChoice;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads how tokens are to be chosen: OpenAI's fields, and the extensions top_k, min_p and repetition_penalty. */
final class TokenChoiceReader {
    /** The sampler asks for a nucleus that is not empty; OpenAI's 0 means "the best token alone". */
    private static final float LEAST_TOP_P = 1e-6f;

    private static final float LEAST_REPETITION_PENALTY = 1e-3f;
    private static final int MOST_TOP_K = 1_000_000;
    private static final int MOST_BIASES = 1024;
    private static final int MOST_BIAS = 100;
    private static final Pattern TOKEN = Pattern.compile("0|[1-9][0-9]{0,8}");

    private TokenChoiceReader() {}

    static TokenChoice read(Fields fields) {
        double repetition = fields.number("repetition_penalty", 0, 10, 1);
        if (repetition < LEAST_REPETITION_PENALTY) {
            throw fields.invalid("repetition_penalty", "must be above 0, and 1 for none");
        }
        return new TokenChoice(
                (float) fields.number("temperature", 0, 2, 1),
                Math.max(LEAST_TOP_P, (float) fields.number("top_p", 0, 1, 1)),
                fields.whole("top_k", 0, MOST_TOP_K).orElse(0),
                (float) fields.number("min_p", 0, 1, 0),
                (float) fields.number("presence_penalty", -2, 2, 0),
                (float) fields.number("frequency_penalty", -2, 2, 0),
                (float) repetition,
                logitBias(fields),
                fields.whole("seed"));
    }

    private static Map<Integer, Float> logitBias(Fields fields) {
        JsonNode given = fields.get("logit_bias");
        if (given == null) {
            return Map.of();
        }
        if (!(given instanceof ObjectNode object) || object.size() > MOST_BIASES) {
            throw fields.invalid("logit_bias", "must be an object of at most " + MOST_BIASES + " token ids");
        }
        Map<Integer, Float> bias = new HashMap<>();
        object.properties().forEach(one -> {
            JsonNode value = one.getValue();
            if (!TOKEN.matcher(one.getKey()).matches()) {
                throw fields.invalid("logit_bias", "must have token ids for names, such as \"1234\"");
            }
            if (!value.isNumber() || !(Math.abs(value.doubleValue()) <= MOST_BIAS)) {
                throw fields.invalid("logit_bias", "must have numbers from -100 to 100 for values");
            }
            bias.put(Integer.parseInt(one.getKey()), value.floatValue());
        });
        return bias;
    }
}
