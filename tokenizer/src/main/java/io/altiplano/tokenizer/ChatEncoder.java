package io.altiplano.tokenizer;

import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * From a conversation to the model's token ids. The special tokens of the chat template become their ids; what the caller
 * wrote, special tokens' names included, is text. All text between two special tokens is encoded as one piece, since BPE
 * merges do not stop where the template's words meet the caller's.
 */
public final class ChatEncoder {
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final String firstCharacters;

    /** Joins a template with the tokenizer of the same model. */
    public ChatEncoder(Tokenizer tokenizer, ChatTemplate template) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.firstCharacters = tokenizer.specialTokens().keySet().stream()
                .map(name -> name.substring(0, 1))
                .distinct()
                .collect(Collectors.joining());
    }

    /**
     * Of a model directory whose tokenizer is already loaded.
     *
     * @throws InvalidTokenizerException if the model has no chat template
     */
    public static ChatEncoder load(Path modelDir, Tokenizer tokenizer) {
        return new ChatEncoder(tokenizer, ChatTemplate.load(modelDir, Clock.systemUTC()));
    }

    /**
     * Encodes a conversation; parameters as of {@link ChatTemplate#render}.
     *
     * @throws ChatTemplateException if the template refuses the messages
     */
    public int[] encode(
            List<? extends Map<String, ?>> messages,
            List<? extends Map<String, ?>> tools,
            boolean addGenerationPrompt) {
        SpecialTokenGuard guard =
                SpecialTokenGuard.of(tokenizer.specialTokens().keySet(), template.source(), List.of(messages, tools));
        String rendered = template.render(
                messages.stream().map(guard::guard).toList(),
                tools.stream().map(guard::guard).toList(),
                addGenerationPrompt);
        return encode(rendered, guard);
    }

    private int[] encode(String rendered, SpecialTokenGuard guard) {
        List<int[]> pieces = new ArrayList<>();
        int textFrom = 0;
        for (int i = 0; i < rendered.length(); ) {
            String name = specialAt(rendered, i);
            if (name == null) {
                i++;
                continue;
            }
            pieces.add(text(guard.unmark(rendered.substring(textFrom, i)), pieces.isEmpty()));
            pieces.add(new int[] {tokenizer.specialTokens().get(name)});
            i += name.length();
            textFrom = i;
        }
        pieces.add(text(guard.unmark(rendered.substring(textFrom)), pieces.isEmpty()));
        return pieces.stream().flatMapToInt(Arrays::stream).toArray();
    }

    private int[] text(String text, boolean first) {
        return first ? tokenizer.encode(text) : tokenizer.encodeInside(text);
    }

    private @Nullable String specialAt(String text, int at) {
        if (firstCharacters.indexOf(text.charAt(at)) < 0) {
            return null;
        }
        for (String name : tokenizer.specialTokens().keySet()) {
            if (text.startsWith(name, at)) {
                return name;
            }
        }
        return null;
    }
}
