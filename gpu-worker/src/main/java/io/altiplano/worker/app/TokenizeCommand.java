package io.altiplano.worker.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.tokenizer.Tokenizer;
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

/** {@code engine tokenize}: JSON lines in, JSON lines out. */
@Command(
        name = "tokenize",
        description = {
            "Reads JSON lines {\"text\": ...} or {\"tokens\": [...]} on standard input and answers each with",
            "{\"tokens\": [...]} or {\"text\": ...}. Names of special tokens in a text are text; special tokens among ids are",
            "written by their names; bytes that are no UTF-8 become U+FFFD."
        },
        mixinStandardHelpOptions = true)
final class TokenizeCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ModelOptionsMixin model = new ModelOptionsMixin();

    @Override
    public Integer call() throws IOException {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        model.options();
        try (Tokenizer tokenizer = ModelOptionsMixin.asInput(() -> Tokenizer.load(model.directory()))) {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            int number = 0;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                if (!line.isBlank()) {
                    out.println(answer(tokenizer, line, number));
                }
            }
        }
        return 0;
    }

    private static String answer(Tokenizer tokenizer, String line, int number) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            JsonNode question = JSON.readTree(line);
            if (question.path("text").isTextual()) {
                for (int id : tokenizer.encode(question.path("text").asText())) {
                    answer.withArray("tokens").add(id);
                }
                answer.withArray("tokens");
                return answer.toString();
            }
            if (question.path("tokens").isArray()) {
                return answer.put("text", tokenizer.decode(JsonLines.ids(question.path("tokens"))))
                        .toString();
            }
            throw new EngineCli.BadInputException("line " + number + ": neither \"text\" nor \"tokens\" in " + line);
        } catch (JsonProcessingException e) {
            throw new EngineCli.BadInputException("line " + number + " is no JSON: " + e.getOriginalMessage());
        } catch (IllegalArgumentException e) {
            throw new EngineCli.BadInputException("line " + number + ": " + e.getMessage());
        }
    }
}
