package io.altiplano.tokenizer;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
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
    private static final Pattern TOKEN = Pattern.compile("\\{%.*?%}|\\{\\{.*?}}|\\{#.*?#}", Pattern.DOTALL);
    private static final Pattern WORD =
            Pattern.compile("'(?:\\\\.|[^'\\\\])*'|\"(?:\\\\.|[^\"\\\\])*\"|\\w+|[^\\w]", Pattern.DOTALL);
    private static final Set<String> ENDS_NOT = Set.of("and", "or", "if", "else", ",", ")", "]", "}");

    private final Set<String> filters;

    TemplateDialect(Set<String> filters) {
        this.filters = filters;
    }

    /**
     * The template in jinjava's dialect.
     *
     * @throws InvalidTokenizerException if it uses a filter that is not known
     */
    String rewrite(String template) {
        return TOKEN.matcher(template).replaceAll(m -> Matcher.quoteReplacement(token(m.group())));
    }

    private String token(String token) {
        if (token.startsWith("{#")) {
            return token;
        }
        String body = token.replaceAll("\\{%(-?)\\s*generation\\s*(-?)%}", "{%$1 if true $2%}")
                .replaceAll("\\{%(-?)\\s*endgeneration\\s*(-?)%}", "{%$1 endif $2%}");
        int end = body.length() - (body.charAt(body.length() - 3) == '-' ? 3 : 2);
        return body.substring(0, 2) + expression(body.substring(2, end)) + body.substring(end);
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
            throw new InvalidTokenizerException("the chat template uses the filter '" + name
                    + "', which is not known here; rewrite the template without it");
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
