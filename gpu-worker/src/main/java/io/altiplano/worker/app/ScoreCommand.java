package io.altiplano.worker.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.model.Scorer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code engine score}: JSON lines in, the log-probability of each token out. */
@Command(
        name = "score",
        description = {
            "Reads JSON lines {\"text\": ...} or {\"tokens\": [...]} on standard input and answers each with",
            "{\"tokens\": [...], \"logprobs\": [null, -1.25, ...], \"sum\": ...}: the natural logarithm of each token's",
            "probability given those before it, and all of them added. A text starts with the begin-of-text token if the",
            "model has one; names of special tokens in it are text."
        },
        mixinStandardHelpOptions = true)
final class ScoreCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ModelOptionsMixin options = new ModelOptionsMixin();

    private @Nullable Tokenizer tokenizer;

    @Override
    public Integer call() throws IOException {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        try (LlamaModel model =
                ModelOptionsMixin.asInput(() -> LlamaModel.load(options.directory(), options.options()))) {
            Scorer scorer = new Scorer(model);
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            int number = 0;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                if (!line.isBlank()) {
                    out.println(answer(scorer, line, number));
                    out.flush();
                }
            }
        } finally {
            if (tokenizer != null) {
                tokenizer.close();
            }
        }
        return 0;
    }

    private String answer(Scorer scorer, String line, int number) {
        try {
            int[] tokens = tokens(JSON.readTree(line));
            double[] scores = scorer.score(tokens);
            ObjectNode answer = JSON.createObjectNode();
            ArrayNode ids = answer.putArray("tokens");
            ArrayNode logprobs = answer.putArray("logprobs");
            double sum = 0;
            for (int i = 0; i < tokens.length; i++) {
                ids.add(tokens[i]);
                if (i == 0) {
                    logprobs.addNull();
                } else {
                    logprobs.add(scores[i]);
                    sum += scores[i];
                }
            }
            answer.put("sum", sum);
            return answer.toString();
        } catch (JsonProcessingException e) {
            throw new EngineCli.BadInputException("line " + number + " is no JSON: " + e.getOriginalMessage());
        } catch (IllegalArgumentException e) {
            throw new EngineCli.BadInputException("line " + number + ": " + e.getMessage());
        }
    }

    private int[] tokens(JsonNode question) {
        if (question.path("text").isTextual()) {
            return textTokens(question.path("text").asText());
        }
        JsonNode ids = question.path("tokens");
        if (!ids.isArray()) {
            throw new IllegalArgumentException("neither \"text\" nor \"tokens\" in " + question);
        }
        return JsonLines.ids(ids);
    }

    private int[] textTokens(String text) {
        if (tokenizer == null) {
            tokenizer = ModelOptionsMixin.asInput(() -> Tokenizer.load(options.directory()));
        }
        int[] tokens = tokenizer.encode(text);
        if (tokenizer.bosId().isEmpty()) {
            return tokens;
        }
        int[] withBos = new int[tokens.length + 1];
        withBos[0] = tokenizer.bosId().getAsInt();
        System.arraycopy(tokens, 0, withBos, 1, tokens.length);
        return withBos;
    }
}
