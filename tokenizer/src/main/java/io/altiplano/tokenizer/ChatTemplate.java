package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.el.JinjavaProcessors;
import com.hubspot.jinjava.interpret.Context;
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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import jinjava.javax.el.CompositeELResolver;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's Jinja chat template, rendered as Hugging Face's transformers does (block lines trimmed and stripped,
 * Python's {@code tojson} and {@code trim}). What callers send is data: nothing in it is ever evaluated, since nested
 * interpretation is off. Safe for use by many threads.
 */
public final class ChatTemplate {
    private static final String JINJA = "chat_template.jinja";
    /** What jinjava has and templates may not use. */
    private static final Map<Context.Library, Set<String>> REFUSED = refused();

    private final String source;
    private final Map<String, String> variables;
    private final Clock clock;
    private final String name;
    private final Jinjava jinjava = jinjava();

    /**
     * A template of its own.
     *
     * @throws InvalidTokenizerException if it uses a filter that is not known, or is too long or too deep
     * @param source Jinja
     * @param variables what the template may use beside the messages: {@code bos_token}, {@code eos_token}
     * @param clock for {@code strftime_now}
     */
    public ChatTemplate(String source, Map<String, String> variables, Clock clock) {
        this(source, variables, clock, null);
    }

    private ChatTemplate(String source, Map<String, String> variables, Clock clock, @Nullable Path file) {
        Set<String> filters = new HashSet<>(TemplateLibrary.JINJAVA_FILTERS);
        TemplateLibrary.filters().forEach(filter -> filters.add(filter.getName()));
        // Who chats is told the file's name, and not where the operator keeps it.
        this.name = "the model's chat template" + (file == null ? "" : " (" + file.getFileName() + ")");
        this.source = new TemplateDialect(filters, file == null ? name : file.toString()).rewrite(source);
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
        Path jinja = modelDir.resolve(JINJA);
        Path file = Files.isRegularFile(jinja) ? jinja : modelDir.resolve("tokenizer_config.json");
        return new ChatTemplate(source, variables, clock, file);
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
        TemplateLibrary.Render render = new TemplateLibrary.Render(
                LocalDateTime.now(clock), new TemplateBudget(messages.size() + tools.size()));
        Map<String, @Nullable Object> bindings = new HashMap<>(variables);
        bindings.put("messages", messages);
        bindings.put("tools", tools.isEmpty() ? null : tools);
        bindings.put("add_generation_prompt", addGenerationPrompt);
        bindings.put(TemplateLibrary.RENDER, render);
        TemplateLibrary.DEFINED.forEach(name -> bindings.put(name, name));
        RenderResult result = rendered(bindings);
        if (render.raised != null) {
            throw new ChatTemplateException(render.raised);
        }
        if (render.stopped != null) {
            throw new ChatTemplateException(name + " was stopped: " + render.stopped);
        }
        if (result.hasErrors()) {
            TemplateError first = result.getErrors().getFirst();
            throw new ChatTemplateException(name + " fails at line " + first.getLineno() + ": " + first.getMessage());
        }
        return result.getOutput();
    }

    private RenderResult rendered(Map<String, @Nullable Object> bindings) {
        try {
            return jinjava.renderForResult(source, bindings);
        } catch (TemplateBudget.SpentError e) {
            throw new ChatTemplateException(name + " was stopped: " + e.getMessage());
        } catch (StackOverflowError e) {
            throw new ChatTemplateException(name + " was stopped: it calls itself without end");
        }
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
            return new ChatTemplate(source, variables, clock, file);
        } catch (InvalidGgufException e) {
            throw new InvalidTokenizerException(String.valueOf(e.getMessage()), e);
        }
    }

    private static @Nullable String source(Path modelDir, @Nullable JsonNode config) {
        Path file = modelDir.resolve(JINJA);
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

    private static ELResolver resolver() {
        CompositeELResolver resolvers = new CompositeELResolver();
        resolvers.add(new TemplateStrings());
        resolvers.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
        return resolvers;
    }

    private static Map<Context.Library, Set<String>> refused() {
        Set<String> filters = new Jinjava()
                .getGlobalContext().getAllFilters().stream()
                        .map(Filter::getName)
                        .collect(Collectors.toSet());
        filters.removeAll(TemplateLibrary.JINJAVA_FILTERS);
        TemplateLibrary.filters().forEach(ours -> filters.remove(ours.getName()));
        return Map.of(Context.Library.FILTER, filters, Context.Library.TAG, TemplateLibrary.REFUSED_TAGS);
    }

    private static Jinjava jinjava() {
        JinjavaConfig config = JinjavaConfig.newBuilder()
                .withNestedInterpretationEnabled(false)
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withMaxOutputSize(TemplateBudget.LONGEST_TEXT)
                .withMaxStringLength(TemplateBudget.LONGEST_TEXT)
                .withMaxListSize(TemplateBudget.LONGEST_LIST)
                .withMaxMapSize(TemplateBudget.LONGEST_LIST)
                .withDisabled(REFUSED)
                .withInterperterFactory(new GuardedInterpreter.Factory())
                .withElResolver(resolver())
                .withObjectUnwrapper(new CountedCollections())
                .withProcessors(JinjavaProcessors.newBuilder()
                        .withNodePreProcessor((node, interpreter) -> TemplateBudget.step(interpreter))
                        .withNodePostProcessor(GuardedInterpreter::requireSetWritable)
                        .build())
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
        Context context = jinjava.getGlobalContext();
        TemplateLibrary.JINJAVA_FILTERS.forEach(
                name -> context.registerFilter(new GuardedInterpreter.Guarded(context.getFilter(name))));
        TemplateLibrary.filters().forEach(context::registerFilter);
        TemplateLibrary.tests().forEach(jinjava.getGlobalContext()::registerExpTest);
        TemplateLibrary.functions().forEach(jinjava.getGlobalContext()::registerFunction);
        return jinjava;
    }
}
