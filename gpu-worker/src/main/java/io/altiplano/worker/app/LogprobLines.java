package io.altiplano.worker.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.engine.GeneratedToken;
import io.altiplano.worker.sampling.TokenLogprobs;
import java.util.Objects;

/** Log-probabilities as OpenAI writes them, a JSON line a token; {@code bytes} is null for special tokens, which have no text. */
final class LogprobLines {
    private LogprobLines() {}

    /** Of a token whose log-probabilities were asked for. */
    static String line(Tokenizer tokenizer, GeneratedToken token) {
        TokenLogprobs logprobs = Objects.requireNonNull(token.logprobs(), "log-probabilities were asked for");
        ObjectNode line = entry(tokenizer, token.id(), logprobs.chosen());
        ArrayNode top = line.putArray("top_logprobs");
        for (int i = 0; i < logprobs.topIds().length; i++) {
            top.add(entry(tokenizer, logprobs.topIds()[i], logprobs.topLogprobs()[i]));
        }
        return line.toString();
    }

    private static ObjectNode entry(Tokenizer tokenizer, int id, float logprob) {
        ObjectNode entry = JsonNodeFactory.instance.objectNode();
        boolean known = id < tokenizer.vocabularySize();
        entry.put("token", known ? tokenizer.decode(id) : "").put("logprob", logprob);
        if (known && !tokenizer.isSpecial(id)) {
            ArrayNode bytes = entry.putArray("bytes");
            for (byte b : tokenizer.bytes(id)) {
                bytes.add(b & 0xff);
            }
        } else {
            entry.putNull("bytes");
        }
        return entry;
    }
}
