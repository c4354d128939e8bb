package io.altiplano.tokenizer;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The filters and functions that Hugging Face's chat templates rely on, with Python's behaviour. */
public final class TemplateLibrary {
    /** The variable under which a render's {@link Render} is found. */
    static final String RENDER = "altiplano_render";

    private static final int WIDEST_INDENT = 100;

    private TemplateLibrary() {}

    /** What one rendering is told and tells. */
    static final class Render {
        final LocalDateTime now;
        final TemplateBudget budget;

        @Nullable
        String raised;

        /** Why it was stopped, where no error can tell. */
        @Nullable
        String stopped;

        Render(LocalDateTime now, TemplateBudget budget) {
            this.now = now;
            this.budget = budget;
        }
    }

    /** Filters of jinjava that end soon and make nothing long. */
    static final Set<String> JINJAVA_FILTERS = Set.of(
            "abs",
            "bool",
            "capitalize",
            "count",
            "d",
            "default",
            "dictsort",
            "e",
            "escape",
            "first",
            "float",
            "groupby",
            "int",
            "join",
            "last",
            "length",
            "list",
            "lower",
            "map",
            "reject",
            "rejectattr",
            "reverse",
            "safe",
            "select",
            "selectattr",
            "sort",
            "string",
            "sum",
            "title",
            "truncate",
            "unique",
            "upper",
            "wordcount");

    /** Tags that would read other files. */
    static final Set<String> REFUSED_TAGS = Set.of("include", "import", "from", "extends");

    static List<Filter> filters() {
        return List.of(new Trim(), new ToJson(), new Indent(), new Replace(), new Items());
    }

    /** Names that templates ask for by {@code is defined} before they call them: in Python they are variables like any other. */
    static final Set<String> DEFINED = Set.of("raise_exception", "strftime_now");

    static List<ExpTest> tests() {
        return List.of(new IsIterable());
    }

    static List<ELFunctionDefinition> functions() {
        return List.of(
                new ELFunctionDefinition("", "raise_exception", TemplateLibrary.class, "raise", String.class),
                new ELFunctionDefinition("", "range", TemplateLibrary.class, "range", Object.class, Object[].class),
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

    /** Python's {@code range}: a long one is refused, where jinjava's own would end early and say nothing. */
    public static List<Long> range(Object first, Object... others) {
        long start = others.length == 0 ? 0 : whole(first);
        long end = others.length == 0 ? whole(first) : whole(others[0]);
        long step = others.length > 1 ? whole(others[1]) : 1;
        if (step == 0) {
            throw new ChatTemplateException("the chat template asks for a range in steps of 0");
        }
        List<Long> range = new ArrayList<>();
        for (long i = start; step > 0 ? i < end : i > end; i += step) {
            if (range.size() == TemplateBudget.LONGEST_RANGE) {
                // jinjava wraps what a function throws and loses its message.
                render().stopped = "it loops over a range of more than " + TemplateBudget.LONGEST_RANGE + " numbers";
                throw new TemplateBudget.SpentError("a long range");
            }
            range.add(i);
        }
        return range;
    }

    private static long whole(Object value) {
        if (value instanceof Number number) {
            return number.longValue();
        }
        throw new ChatTemplateException("the chat template asks for a range of " + value + ", which is no number");
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

    static boolean isSpace(char c) {
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
            return PythonJson.write(
                    value, indent instanceof Number n ? Math.clamp(n.longValue(), 0, WIDEST_INDENT) : 0);
        }
    }

    private static final class Indent implements Filter {
        @Override
        public String getName() {
            return "indent";
        }

        @Override
        public @Nullable Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... args) {
            int width = args.length > 0 ? Integer.parseInt(args[0]) : 4;
            if (value == null || width < 0 || width > WIDEST_INDENT) {
                throw new ChatTemplateException(
                        "the chat template indents nothing, or by other than 0 to " + WIDEST_INDENT);
            }
            String text = value.toString();
            boolean first = args.length > 1 && Boolean.parseBoolean(args[1]);
            String blanks = " ".repeat(width);
            StringBuilder out = new StringBuilder();
            String[] lines = text.split("\n", -1);
            TemplateBudget.requireLength(text.length() + (long) lines.length * width);
            for (int i = 0; i < lines.length; i++) {
                out.append(i > 0 ? "\n" : "");
                // Python leaves blank lines as they are.
                out.append(i == 0 ? (first ? blanks : "") : lines[i].isBlank() ? "" : blanks)
                        .append(lines[i]);
            }
            return out.toString();
        }
    }

    private static final class Replace implements Filter {
        @Override
        public String getName() {
            return "replace";
        }

        @Override
        public @Nullable Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... args) {
            if (args.length < 2) {
                throw new ChatTemplateException("the chat template's replace lacks what to replace, or by what");
            }
            int most = args.length > 2 ? Integer.parseInt(args[2]) : -1;
            return value == null ? null : TemplateStrings.replace(value.toString(), args[0], args[1], most);
        }
    }

    /** A mapping's keys with their values, in its order; of what is not there, none. */
    private static final class Items implements Filter {
        @Override
        public String getName() {
            return "items";
        }

        @Override
        public Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... args) {
            if (value == null) {
                return List.of();
            }
            if (value instanceof Map<?, ?> map) {
                return List.copyOf(map.entrySet());
            }
            throw new ChatTemplateException("the chat template asks for the items of what is no mapping");
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
