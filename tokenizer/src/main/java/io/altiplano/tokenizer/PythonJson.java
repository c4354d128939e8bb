package io.altiplano.tokenizer;

import java.math.BigDecimal;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's {@code json.dumps(x, ensure_ascii=False)}: what a template's {@code tojson} writes in Hugging Face's
 * transformers, and therefore what models were trained on. Differs from Java's writers in its separators and floats. Refuses to grow
 * beyond {@link TemplateBudget#LONGEST_TEXT}: a small list may hold itself many times over.
 */
final class PythonJson {
    private static final int MOST_DEPTH = 500;

    private final StringBuilder out = new StringBuilder();
    private final int indent;

    private PythonJson(int indent) {
        this.indent = indent;
    }

    /** The JSON text of maps, iterables, strings, numbers, booleans and null; {@code indent} 0 is one line. */
    static String write(@Nullable Object value, int indent) {
        PythonJson writer = new PythonJson(indent);
        writer.value(value, 1);
        return writer.out.toString();
    }

    private void value(@Nullable Object value, int depth) {
        TemplateBudget.requireLength(out.length() + (long) indent * depth);
        if (depth > MOST_DEPTH) {
            throw new TemplateBudget.SpentError("it writes lists nested more than " + MOST_DEPTH + " deep");
        }
        switch (value) {
            case null -> out.append("null");
            case Boolean b -> out.append(b);
            case Double d -> out.append(number(d));
            case Float f -> out.append(number(Double.parseDouble(f.toString())));
            case BigDecimal d -> out.append(number(d.doubleValue()));
            case Number n -> out.append(n);
            case Map<?, ?> m -> map(m, depth);
            case Iterable<?> i -> list(i, depth);
            default -> string(value.toString());
        }
    }

    private void map(Map<?, ?> map, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> e : map.entrySet()) {
            out.append(separator);
            newLine(depth);
            string(String.valueOf(e.getKey()));
            out.append(": ");
            value(e.getValue(), depth + 1);
            separator = separator();
        }
        newLine(depth - 1);
        out.append('}');
    }

    private void list(Iterable<?> list, int depth) {
        Iterator<?> i = list.iterator();
        if (!i.hasNext()) {
            out.append("[]");
            return;
        }
        out.append('[');
        String separator = "";
        while (i.hasNext()) {
            out.append(separator);
            newLine(depth);
            value(i.next(), depth + 1);
            separator = separator();
        }
        newLine(depth - 1);
        out.append(']');
    }

    private String separator() {
        return indent > 0 ? "," : ", ";
    }

    private void newLine(int depth) {
        if (indent > 0) {
            out.append('\n').repeat(" ", indent * depth);
        }
    }

    private void string(String s) {
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < 0x20) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    /** Python's repr of a float: shortest digits that round-trip, an exponent below 1e-4 and from 1e16. */
    private static String number(double d) {
        if (Double.isNaN(d)) {
            return "NaN";
        }
        if (Double.isInfinite(d)) {
            return d > 0 ? "Infinity" : "-Infinity";
        }
        if (d == 0) {
            return 1 / d < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(d)).stripTrailingZeros();
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        String digits = shortest.unscaledValue().abs().toString();
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        return (d < 0 ? "-" : "") + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+")
                + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }
}
