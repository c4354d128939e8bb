package io.altiplano.tokenizer;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The filters and functions that Hugging Face's chat templates rely on, with Python's behaviour. */
public final class TemplateLibrary {
    /** The variable under which a render's {@link Render} is found. */
    static final String RENDER = "altiplano_render";

    private TemplateLibrary() {}

    /** What one rendering is told and tells. */
    static final class Render {
        final LocalDateTime now;

        @Nullable
        String raised;

        Render(LocalDateTime now) {
            this.now = now;
        }
    }

    static List<Filter> filters() {
        return List.of(new Trim(), new ToJson());
    }

    static List<ExpTest> tests() {
        return List.of(new IsIterable());
    }

    static List<ELFunctionDefinition> functions() {
        return List.of(
                new ELFunctionDefinition("", "raise_exception", TemplateLibrary.class, "raise", String.class),
                new ELFunctionDefinition("", "strftime_now", TemplateLibrary.class, "strftimeNow", String.class));
    }

    /** {@code raise_exception(message)}: public, static and by name because jinjava calls it by reflection. */
    public static String raise(String message) {
        Render render = render();
        if (render.raised == null) {
            render.raised = message;
        }
        throw new ChatTemplateException(message);
    }

    /** {@code strftime_now(format)}: the day, in the conversions that templates use. */
    public static String strftimeNow(String format) {
        LocalDateTime now = render().now;
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char conversion = format.charAt(++i);
            String pattern =
                    switch (conversion) {
                        case 'd' -> "dd";
                        case 'm' -> "MM";
                        case 'b' -> "MMM";
                        case 'B' -> "MMMM";
                        case 'y' -> "yy";
                        case 'Y' -> "uuuu";
                        case 'H' -> "HH";
                        case 'M' -> "mm";
                        case 'S' -> "ss";
                        case 'a' -> "EEE";
                        case 'A' -> "EEEE";
                        case 'j' -> "DDD";
                        case '%' -> "'%'";
                        default ->
                            raise("strftime_now: the chat template uses %" + conversion + ", which is not known");
                    };
            out.append(now.format(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH)));
        }
        return out.toString();
    }

    private static Render render() {
        return (Render) Objects.requireNonNull(
                JinjavaInterpreter.getCurrent().getContext().get(RENDER), "functions run inside a render");
    }

    /** Python's str.strip: its idea of white space is Unicode's. */
    static String strip(String s) {
        int start = 0;
        int end = s.length();
        while (start < end && isSpace(s.charAt(start))) {
            start++;
        }
        while (end > start && isSpace(s.charAt(end - 1))) {
            end--;
        }
        return s.substring(start, end);
    }

    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || c == 0x85 || c == 0xa0 || c == 0x2007 || c == 0x202f;
    }

    private static final class Trim implements Filter {
        @Override
        public String getName() {
            return "trim";
        }

        @Override
        public @Nullable Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... args) {
            return value == null ? null : strip(value.toString());
        }
    }

    private static final class ToJson implements Filter {
        @Override
        public String getName() {
            return "tojson";
        }

        @Override
        public Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... args) {
            return PythonJson.write(value, 0);
        }

        @Override
        public Object filter(
                @Nullable Object value, JinjavaInterpreter interpreter, Object[] args, Map<String, Object> named) {
            Object indent = named.getOrDefault("indent", args.length > 0 ? args[0] : 0);
            return PythonJson.write(value, indent instanceof Number n ? n.intValue() : 0);
        }
    }

    /** In Python a string is iterable, and templates ask "mapping or iterable" with that in mind. */
    private static final class IsIterable implements ExpTest {
        @Override
        public String getName() {
            return "iterable";
        }

        @Override
        public boolean evaluate(@Nullable Object value, JinjavaInterpreter interpreter, Object... args) {
            return value instanceof String || value instanceof Iterable<?> || value instanceof Map<?, ?>;
        }
    }
}
