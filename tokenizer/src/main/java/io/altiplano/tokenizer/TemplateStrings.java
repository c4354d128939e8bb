package io.altiplano.tokenizer;

import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/**
 * The methods that templates may call on strings, with Python's behaviour. All others of Java's are refused: some take regular
 * expressions that need not end, some make strings of any length.
 */
final class TemplateStrings extends ELResolver {
    @Override
    public @Nullable Object invoke(
            ELContext context, Object base, Object method, Class<?> @Nullable [] types, Object @Nullable [] arguments) {
        if (!(base instanceof CharSequence characters) || method == null) {
            return null;
        }
        context.setPropertyResolved(true);
        return call(characters.toString(), method.toString(), arguments == null ? new Object[0] : arguments);
    }

    private static Object call(String s, String method, Object[] a) {
        return switch (method) {
            case "strip", "trim" -> a.length == 0 ? TemplateLibrary.strip(s) : strip(s, text(a, 0), true, true);
            case "stripLeading" -> strip(s, a.length == 0 ? null : text(a, 0), true, false);
            case "stripTrailing" -> strip(s, a.length == 0 ? null : text(a, 0), false, true);
            case "startsWith" -> s.startsWith(text(a, 0));
            case "endsWith" -> s.endsWith(text(a, 0));
            case "toUpperCase" -> s.toUpperCase(Locale.ROOT);
            case "toLowerCase" -> s.toLowerCase(Locale.ROOT);
            case "split" -> split(s, a.length == 0 ? null : text(a, 0), whole(a, 1, -1));
            case "replace" -> replace(s, text(a, 0), text(a, 1), whole(a, 2, -1));
            case "find", "indexOf" -> s.indexOf(text(a, 0));
            case "count" -> count(s, text(a, 0));
            case "contains" -> s.contains(text(a, 0));
            case "equals" -> s.equals(a.length == 0 ? null : a[0]);
            case "length" -> s.length();
            case "isEmpty" -> s.isEmpty();
            case "substring" -> s.substring(whole(a, 0, 0), whole(a, 1, s.length()));
            case "title", "capitalize" -> s.isEmpty() ? s : s.substring(0, 1).toUpperCase(Locale.ROOT) + s.substring(1);
            case "isdigit" -> !s.isEmpty() && s.chars().allMatch(Character::isDigit);
            default ->
                throw new ChatTemplateException(
                        "the chat template calls " + method + " on a string, which is not known here");
        };
    }

    private static String text(Object[] arguments, int i) {
        if (i >= arguments.length || !(arguments[i] instanceof CharSequence text)) {
            throw new ChatTemplateException("the chat template calls a string's method without a text to go by");
        }
        return text.toString();
    }

    private static int whole(Object[] arguments, int i, int otherwise) {
        return i < arguments.length && arguments[i] instanceof Number n ? n.intValue() : otherwise;
    }

    private static String strip(String s, @Nullable String characters, boolean left, boolean right) {
        int start = 0;
        int end = s.length();
        while (left && start < end && isOf(s.charAt(start), characters)) {
            start++;
        }
        while (right && end > start && isOf(s.charAt(end - 1), characters)) {
            end--;
        }
        return s.substring(start, end);
    }

    private static boolean isOf(char c, @Nullable String characters) {
        return characters == null ? TemplateLibrary.isSpace(c) : characters.indexOf(c) >= 0;
    }

    /** Python's: a given text is no pattern, and empty parts stay. */
    private static List<String> split(String s, @Nullable String by, int most) {
        List<String> parts = new ArrayList<>();
        if (by == null) {
            for (String word : s.strip().split("\\s+")) {
                parts.add(word);
            }
            return s.isBlank() ? List.of() : parts;
        }
        if (by.isEmpty()) {
            throw new ChatTemplateException("the chat template splits a string by an empty one");
        }
        int from = 0;
        for (int at = s.indexOf(by); at >= 0 && parts.size() != most; at = s.indexOf(by, from)) {
            parts.add(s.substring(from, at));
            from = at + by.length();
            TemplateBudget.requireLength(16L * parts.size());
        }
        parts.add(s.substring(from));
        return parts;
    }

    /** @param most replacements; negative for all */
    static String replace(String s, String what, String by, int most) {
        int found = what.isEmpty() ? s.length() + 1 : count(s, what);
        int replaced = most < 0 ? found : Math.min(most, found);
        TemplateBudget.requireLength(s.length() + (long) replaced * (by.length() - what.length()));
        if (most < 0) {
            return s.replace(what, by);
        }
        String out = s;
        StringBuilder done = new StringBuilder();
        for (int i = 0; i < replaced && !what.isEmpty(); i++) {
            int at = out.indexOf(what);
            done.append(out, 0, at).append(by);
            out = out.substring(at + what.length());
        }
        return done.append(out).toString();
    }

    private static int count(String s, String what) {
        int count = 0;
        for (int at = s.indexOf(what); at >= 0 && !what.isEmpty(); at = s.indexOf(what, at + what.length())) {
            count++;
        }
        return count;
    }

    @Override
    public @Nullable Object getValue(ELContext context, Object base, Object property) {
        return null;
    }

    @Override
    public @Nullable Class<?> getType(ELContext context, Object base, Object property) {
        return null;
    }

    @Override
    public void setValue(ELContext context, Object base, Object property, Object value) {}

    @Override
    public boolean isReadOnly(ELContext context, Object base, Object property) {
        return true;
    }

    @Override
    public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
        return Collections.emptyIterator();
    }

    @Override
    public @Nullable Class<?> getCommonPropertyType(ELContext context, Object base) {
        return null;
    }
}
