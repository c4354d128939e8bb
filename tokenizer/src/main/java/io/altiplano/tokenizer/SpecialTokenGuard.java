package io.altiplano.tokenizer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps special tokens in what a caller writes apart from those of the template. The caller's strings go through the
 * template with each special token's name broken by a mark that occurs nowhere in the request; after rendering, an unbroken
 * name is the template's own, and the marks are taken out again.
 *
 * <p>The mark is put only where it is needed (whole names, and ends of names at a string's ends, which could be completed by
 * what the template puts beside them), so that a template's tests on ordinary content see the content. Roles are the
 * protocol's words, not the caller's, and pass as they are.
 */
final class SpecialTokenGuard {
    /** The Basic Multilingual Plane's private use area: marks are its characters. */
    private static final int PRIVATE_FROM = 0xe000;

    private static final int PRIVATE_COUNT = 6400;

    private final Collection<String> names;
    private final String mark;

    private SpecialTokenGuard(Collection<String> names, String mark) {
        this.names = names;
        this.mark = mark;
    }

    /**
     * A guard for one request.
     *
     * @param names the special tokens' names, longest first
     * @param template the template's source
     * @param request everything the caller sent, as maps, lists and values
     */
    static SpecialTokenGuard of(Collection<String> names, String template, Object request) {
        List<String> texts = new ArrayList<>(names);
        texts.add(template);
        visit(request, texts::add);
        for (int n = 0; ; n++) {
            String mark = candidate(n);
            if (texts.stream().noneMatch(t -> t.contains(mark))) {
                return new SpecialTokenGuard(names, mark);
            }
        }
    }

    /** Single characters first, then pairs, then longer: some text is always absent from a finite request. */
    private static String candidate(int n) {
        StringBuilder mark = new StringBuilder();
        for (int rest = n; ; rest = rest / PRIVATE_COUNT - 1) {
            mark.append((char) (PRIVATE_FROM + rest % PRIVATE_COUNT));
            if (rest < PRIVATE_COUNT) {
                return mark.toString();
            }
        }
    }

    /** A copy of a message or tool in which no string holds a special token's name. */
    @SuppressWarnings("unchecked")
    Map<String, @Nullable Object> guard(Map<String, ?> message) {
        return (Map<String, @Nullable Object>) copy(message);
    }

    /** Rendered text without marks. */
    String unmark(String text) {
        return text.replace(mark, "");
    }

    private Object copy(Object value) {
        return switch (value) {
            case String s -> breakNames(s);
            case Map<?, ?> m -> {
                Map<String, @Nullable Object> copy = new LinkedHashMap<>();
                m.forEach((k, v) -> {
                    Object kept = v == null || k.equals("role") ? v : copy(v);
                    copy.put(breakNames(String.valueOf(k)), kept);
                });
                yield copy;
            }
            case Iterable<?> i -> {
                List<@Nullable Object> copy = new ArrayList<>();
                i.forEach(v -> copy.add(v == null ? null : copy(v)));
                yield copy;
            }
            default -> value;
        };
    }

    private String breakNames(String text) {
        String broken = text;
        for (String name : names) {
            if (broken.contains(name)) {
                int first = Character.charCount(name.codePointAt(0));
                broken = broken.replace(name, name.substring(0, first) + mark + name.substring(first));
            }
        }
        return markEnds(broken);
    }

    private String markEnds(String text) {
        String core = TemplateLibrary.strip(text);
        if (core.isEmpty()) {
            return text;
        }
        boolean opens = names.stream().anyMatch(n -> endsWithStartOf(core, n));
        boolean closes = names.stream().anyMatch(n -> startsWithEndOf(core, n));
        if (!opens && !closes) {
            return text;
        }
        int from = text.indexOf(core);
        return text.substring(0, from)
                + (closes ? mark : "")
                + core
                + (opens ? mark : "")
                + text.substring(from + core.length());
    }

    private static boolean endsWithStartOf(String text, String name) {
        for (int length = Math.min(text.length(), name.length() - 1); length > 0; length--) {
            if (text.endsWith(name.substring(0, length))) {
                return true;
            }
        }
        return false;
    }

    private static boolean startsWithEndOf(String text, String name) {
        for (int from = 1; from < name.length(); from++) {
            if (text.startsWith(name.substring(from))) {
                return true;
            }
        }
        return false;
    }

    private static void visit(@Nullable Object value, Consumer<String> text) {
        switch (value) {
            case null -> {}
            case String s -> text.accept(s);
            case Map<?, ?> m ->
                m.forEach((k, v) -> {
                    text.accept(String.valueOf(k));
                    visit(v, text);
                });
            case Iterable<?> i -> i.forEach(v -> visit(v, text));
            default -> {}
        }
    }
}
