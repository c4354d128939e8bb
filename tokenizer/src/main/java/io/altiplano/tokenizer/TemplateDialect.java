package io.altiplano.tokenizer;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Rewrites a template where jinjava reads Jinja otherwise than Python does.
 *
 * <ul>
 *   <li>{@code not a == b} is {@code not (a == b)}: Python's {@code not} binds less tightly than comparisons.
 *   <li>Python's string methods have other names in Java.
 *   <li>{@code {% generation %}} marks answers for training and is nothing to rendering.
 *   <li>An unknown filter would silently give nothing, so it is refused.
 * </ul>
 */
final class TemplateDialect {
    private static final Pattern WORD =
            Pattern.compile("'(?:\\\\.|[^'\\\\])*'|\"(?:\\\\.|[^\"\\\\])*\"|\\w+|[^\\w]", Pattern.DOTALL);
    private static final Set<String> ENDS_NOT = Set.of("and", "or", "if", "else", ",", ")", "]", "}");

    /** Rendered at each pass of a loop, so that each costs a step. It has no text and stands where the loop's own end was. */
    private static final String STEP = "{% if true %}{% endif ";

    private static final Pattern LOOP = Pattern.compile("\\{%-?\\s*for\\s.*", Pattern.DOTALL);
    private static final Pattern OPENS =
            Pattern.compile("\\{%-?\\s*(for|if|macro|call|filter|unless|block)\\s.*", Pattern.DOTALL);
    private static final Pattern CLOSES =
            Pattern.compile("\\{%-?\\s*end(for|if|macro|call|filter|unless|block)\\b.*", Pattern.DOTALL);

    private final Set<String> filters;
    private final String where;
    private int blocks;

    /**
     * @param filters those that are known
     * @param where the template's file, for refusals
     */
    TemplateDialect(Set<String> filters, String where) {
        this.filters = filters;
        this.where = where;
    }

    /**
     * The template in jinjava's dialect.
     *
     * @throws InvalidTokenizerException if it uses a filter that is not known, or is too long or too deep
     */
    String rewrite(String template) {
        if (template.length() > TemplateBudget.LONGEST_SOURCE) {
            throw invalid(
                    "has " + template.length() + " characters; at most " + TemplateBudget.LONGEST_SOURCE + " are read");
        }
        StringBuilder out = new StringBuilder();
        int from = 0;
        while (true) {
            int at = nextToken(template, from);
            int end = at < 0 ? -1 : template.indexOf(closing(template.charAt(at + 1)), at + 2);
            if (end < 0) {
                return out.append(template, from, template.length()).toString();
            }
            out.append(template, from, at).append(token(template.substring(at, end + 2)));
            from = end + 2;
        }
    }

    private static int nextToken(String template, int from) {
        for (int at = template.indexOf('{', from);
                at >= 0 && at + 1 < template.length();
                at = template.indexOf('{', at + 1)) {
            if ("%{#".indexOf(template.charAt(at + 1)) >= 0) {
                return at;
            }
        }
        return -1;
    }

    private static String closing(char kind) {
        return kind == '%' ? "%}" : kind == '{' ? "}}" : "#}";
    }

    private InvalidTokenizerException invalid(String what) {
        return new InvalidTokenizerException(where + ": the chat template " + what);
    }

    private void nest(String token) {
        if (OPENS.matcher(token).matches()) {
            blocks++;
        } else if (CLOSES.matcher(token).matches()) {
            blocks--;
        }
        if (blocks > TemplateBudget.DEEPEST) {
            throw invalid("has more than " + TemplateBudget.DEEPEST + " blocks in each other");
        }
    }

    private String token(String token) {
        if (token.startsWith("{#")) {
            return token;
        }
        String body = token.replaceAll("\\{%(-?)\\s*generation\\s*(-?)%}", "{%$1 if true $2%}")
                .replaceAll("\\{%(-?)\\s*endgeneration\\s*(-?)%}", "{%$1 endif $2%}");
        nest(token);
        int end = body.length() - (body.charAt(body.length() - 3) == '-' ? 3 : 2);
        String rewritten = body.substring(0, 2) + expression(body.substring(2, end));
        if (LOOP.matcher(token).matches()) {
            return rewritten + "%}" + STEP + body.substring(end);
        }
        return rewritten + body.substring(end);
    }

    private String expression(String text) {
        List<String> words =
                WORD.matcher(text).results().map(MatchResult::group).toList();
        StringBuilder out = new StringBuilder();
        Deque<Integer> openNots = new ArrayDeque<>();
        int depth = 0;
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (ENDS_NOT.contains(word)) {
                while (!openNots.isEmpty() && openNots.peek() == depth) {
                    out.append(')');
                    openNots.pop();
                }
            }
            depth += "([{".contains(word) ? 1 : ")]}".contains(word) ? -1 : 0;
            if (depth > TemplateBudget.DEEPEST) {
                throw invalid("has more than " + TemplateBudget.DEEPEST + " brackets in each other");
            }
            if (word.equals("not")
                    && !next(words, i).equals("in")
                    && !previous(words, i).equals("is")) {
                out.append("not (");
                openNots.push(depth);
            } else {
                out.append(previous(words, i).equals(".") ? method(word) : word);
            }
            if (word.equals("|")) {
                requireFilter(next(words, i));
            }
        }
        return out.append(")".repeat(openNots.size())).toString();
    }

    private static String method(String name) {
        return switch (name) {
            case "startswith" -> "startsWith";
            case "endswith" -> "endsWith";
            case "lstrip" -> "stripLeading";
            case "rstrip" -> "stripTrailing";
            case "upper" -> "toUpperCase";
            case "lower" -> "toLowerCase";
            default -> name;
        };
    }

    private void requireFilter(String name) {
        if (!filters.contains(name)) {
            throw invalid("uses the filter '" + name + "', which is not known here; rewrite the template without it");
        }
    }

    private static String next(List<String> words, int i) {
        for (int j = i + 1; j < words.size(); j++) {
            if (!words.get(j).isBlank()) {
                return words.get(j);
            }
        }
        return "";
    }

    private static String previous(List<String> words, int i) {
        for (int j = i - 1; j >= 0; j--) {
            if (!words.get(j).isBlank()) {
                return words.get(j);
            }
        }
        return "";
    }
}
