package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.filter.Filter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's Jinja chat template, rendered as Hugging Face's transformers does (block lines trimmed and stripped,
 * Python's {@code tojson} and {@code trim}). What callers send is data: nothing in it is ever evaluated, since nested
 * interpretation is off. Safe for use by many threads.
 */
public final class ChatTemplate {
    private static final long LONGEST_OUTPUT = 64L << 20;

    private final String source;
    private final Map<String, String> variables;
    private final Clock clock;
    private final Jinjava jinjava = jinjava();

    /**
     * A template of its own.
     *
     * @throws InvalidTokenizerException if it uses a filter that is not known
     * @param source Jinja
     * @param variables what the template may use beside the messages: {@code bos_token}, {@code eos_token}
     * @param clock for {@code strftime_now}
     */
    public ChatTemplate(String source, Map<String, String> variables, Clock clock) {
        Set<String> filters = jinjava.getGlobalContext().getAllFilters().stream()
                .map(Filter::getName)
                .collect(Collectors.toSet());
        this.source = new TemplateDialect(filters).rewrite(source);
        this.variables = Map.copyOf(variables);
        this.clock = clock;
    }

    /**
     * The template of a model directory: {@code chat_template.jinja}, or {@code chat_template} in
     * {@code tokenizer_config.json} (of a list of named ones, the one called "default").
     *
     * @throws InvalidTokenizerException if there is none, or it cannot be read
     */
    public static ChatTemplate load(Path modelDir, Clock clock) {
        JsonNode config = ModelFiles.optional(modelDir, "tokenizer_config.json");
        String source = source(modelDir, config);
        Path gguf = GgufFile.in(modelDir);
        if (source == null && config == null && gguf != null) {
            return ofGguf(gguf, clock);
        }
        if (source == null) {
            throw new InvalidTokenizerException(modelDir
                    + " has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json): a base"
                    + " model completes text but does not chat");
        }
        Map<String, String> variables = new HashMap<>();
        for (String name : List.of("bos_token", "eos_token", "pad_token", "unk_token")) {
            JsonNode token = config == null ? null : config.get(name);
            if (token != null && !token.isNull()) {
                variables.put(name, token.isObject() ? token.path("content").asText() : token.asText());
            }
        }
        return new ChatTemplate(source, variables, clock);
    }

    /**
     * Renders a conversation.
     *
     * @param messages as in the OpenAI API: {@code role}, {@code content}, {@code tool_calls}, ...; maps, lists, strings,
     *     numbers, booleans and null
     * @param tools tool definitions, empty for none
     * @param addGenerationPrompt whether to open the assistant's answer
     * @throws ChatTemplateException if the template refuses the messages or fails on them
     */
    public String render(
            List<? extends Map<String, ?>> messages,
            List<? extends Map<String, ?>> tools,
            boolean addGenerationPrompt) {
        TemplateLibrary.Render render = new TemplateLibrary.Render(LocalDateTime.now(clock));
        Map<String, @Nullable Object> bindings = new HashMap<>(variables);
        bindings.put("messages", messages);
        bindings.put("tools", tools.isEmpty() ? null : tools);
        bindings.put("add_generation_prompt", addGenerationPrompt);
        bindings.put(TemplateLibrary.RENDER, render);
        RenderResult result = jinjava.renderForResult(source, bindings);
        if (render.raised != null) {
            throw new ChatTemplateException(render.raised);
        }
        if (result.hasErrors()) {
            TemplateError first = result.getErrors().getFirst();
            throw new ChatTemplateException(
                    "the model's chat template fails at line " + first.getLineno() + ": " + first.getMessage());
        }
        return result.getOutput();
    }

    String source() {
        return source;
    }

    /** The template in a GGUF file's metadata; the tokens that it may use are named by their ids there. */
    private static ChatTemplate ofGguf(Path file, Clock clock) {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile gguf = GgufFile.open(file, arena);
            String source = gguf.text("tokenizer.chat_template");
            if (source.isEmpty()) {
                throw new InvalidTokenizerException(
                        file + " has no tokenizer.chat_template: a base model completes text but does not chat");
            }
            List<String> tokens = gguf.texts("tokenizer.ggml.tokens");
            Map<String, String> variables = new HashMap<>();
            for (String name : List.of("bos", "eos")) {
                long id = gguf.number("tokenizer.ggml." + name + "_token_id").orElse(-1);
                if (id >= 0 && id < tokens.size()) {
                    variables.put(name + "_token", tokens.get((int) id));
                }
            }
            return new ChatTemplate(source, variables, clock);
        } catch (InvalidGgufException e) {
            throw new InvalidTokenizerException(String.valueOf(e.getMessage()), e);
        }
    }

    private static @Nullable String source(Path modelDir, @Nullable JsonNode config) {
        Path file = modelDir.resolve("chat_template.jinja");
        if (Files.isRegularFile(file)) {
            try {
                return Files.readString(file);
            } catch (IOException e) {
                throw new InvalidTokenizerException(file + " cannot be read: " + ModelFiles.firstLine(e), e);
            }
        }
        JsonNode template = config == null ? null : config.get("chat_template");
        if (template != null && template.isArray()) {
            for (JsonNode named : template) {
                if (named.path("name").asText().equals("default")) {
                    return named.path("template").asText();
                }
            }
        }
        return template != null && template.isTextual() ? template.asText() : null;
    }

    private static Jinjava jinjava() {
        JinjavaConfig config = JinjavaConfig.newBuilder()
                .withNestedInterpretationEnabled(false)
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withMaxOutputSize(LONGEST_OUTPUT)
                .withLegacyOverrides(LegacyOverrides.newBuilder()
                        .withEvaluateMapKeys(true)
                        .withIterateOverMapKeys(true)
                        .withUseNaturalOperatorPrecedence(true)
                        .withParseWhitespaceControlStrictly(true)
                        .withAllowAdjacentTextNodes(true)
                        .withUseTrimmingForNotesAndExpressions(true)
                        .withKeepNullableLoopValues(true)
                        .build())
                .build();
        Jinjava jinjava = new Jinjava(config);
        TemplateLibrary.filters().forEach(jinjava.getGlobalContext()::registerFilter);
        TemplateLibrary.tests().forEach(jinjava.getGlobalContext()::registerExpTest);
        TemplateLibrary.functions().forEach(jinjava.getGlobalContext()::registerFunction);
        return jinjava;
    }
}
