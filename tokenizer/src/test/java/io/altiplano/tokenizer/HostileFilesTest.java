package io.altiplano.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Templates and tokenizers that would loop or grow without end: one error that names the file, soon. The time that a test may take is far
 * from what it needs, and the tests' heap is small.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileFilesTest {
    private static final List<Map<String, String>> HI = List.of(Map.of("role", "user", "content", "hi"));
    private static final String LOOP = "{% for i in range(1000) %}";
    private static final String END = "{% endfor %}";

    @TempDir
    Path dir;

    /** A template in which a and b come to 2^23 numbers each by loops over one element, which no set tells of. */
    private static String nested(String inside) {
        return "{% for a in [[1]] %}{% for b in [[1]] %}"
                + "{% for a in [[a, a]] %}{% for b in [[b, b]] %}".repeat(23)
                + inside
                + "{% endfor %}".repeat(48);
    }

    static Stream<String> templates() {
        return Stream.of(
                "{% for i in range(10**9) %}x{% endfor %}",
                "{% for i in range(0, 1000000000, 1) %}{% endfor %}",
                // loops in loops, with bodies and without, with white space control
                LOOP.repeat(6) + END.repeat(6),
                LOOP.repeat(4) + "{% set x = i %}" + END.repeat(4),
                "{%- for a in range(9999) -%} {%- for b in range(9999) -%} {%- endfor -%} {%- endfor -%}",
                "{% set l = range(9000) %}" + "{% for a in l %}".repeat(4) + END.repeat(4),
                LOOP + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".repeat(400) + END,
                // macros that call each other
                "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(0) }}",
                "{% macro f(n) %}{{ g(n) }}{% endmacro %}{% macro g(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(0) }}",
                // strings and lists that double
                "{% set ns = namespace(s='12345678') %}{% for i in range(40) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
                "{% set ns = namespace(s='12345678') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
                "{% set ns = namespace(s='12345678') %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s]|join %}{% endfor %}{{ ns.s }}",
                "{% set ns = namespace(s='12345678') %}{% for i in range(40) %}{% set ns.s = ns.s|replace('1', ns.s) %}{% endfor %}{{ ns.s }}",
                "{% set ns = namespace(s='12345678') %}{% for i in range(40) %}{% set ns.s = ns.s.replace('', ns.s) %}{% endfor %}{{ ns.s }}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = ns.l + ns.l %}{% endfor %}{{ ns.l|length }}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|string }}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ [ns.l]|join }}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = {'a': ns.l, 'b': ns.l} %}{% endfor %}{{ 'x' ~ ns.l }}",
                // lists that are nested without a set, and compared, or looked for in one
                nested("{{ a == b }}"),
                nested("{{ a != b }}"),
                nested("{{ a in [b] }}"),
                nested("{{ a is equalto b }}"),
                nested("{{ [b].index(a) }}"),
                nested("{{ [b].count(a) }}"),
                nested("{{ {'k': a} == {'k': b} }}"),
                nested("{{ a == b }}")
                        .replace("[[a, a]]", "[{'x': a, 'y': a}]")
                        .replace("[[b, b]]", "[{'x': b, 'y': b}]"),
                "{{ 'x' * 1000000000 }}",
                // Java behind the strings
                "{{ 'x'.repeat(2000000000) }}",
                "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('(a|aa)+$') }}",
                "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.replaceAll('(a|aa)+$', '') }}",
                "{{ 'x'.getClass().forName('java.lang.Runtime') }}",
                "{{ 'x'|indent(2000000000, true) }}",
                "{{ ['x']|map('center', 2000000000)|join }}",
                "{{ ['{{ 1 }}']|map('render')|join }}",
                "{% include 'file:///etc/passwd' %}");
    }

    @ParameterizedTest
    @MethodSource("templates")
    void aTemplateThatLoopsOrGrowsIsStoppedAndItsFileNamed(String source) throws IOException {
        // given
        Files.writeString(dir.resolve("chat_template.jinja"), source);
        ChatTemplate template = ChatTemplate.load(dir, Clock.systemUTC());

        // when, then
        assertThatThrownBy(() -> template.render(HI, List.of(), true))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("chat_template.jinja")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain(dir.toString()));
    }

    static Stream<Arguments> sources() {
        return Stream.of(
                Arguments.of("{{ " + "(".repeat(20_000) + "1" + ")".repeat(20_000) + " }}", "brackets in each other"),
                Arguments.of("{% if true %}".repeat(5_000) + "{% endif %}".repeat(5_000), "blocks in each other"),
                Arguments.of("{{".repeat(200_000), "at most 262144 are read"),
                Arguments.of("{{ 'x'|center(2000000000) }}", "the filter 'center'"),
                Arguments.of("{{ 'x'|batch(2000000000) }}", "the filter 'batch'"),
                Arguments.of("{{ '%2000000000d'|format(1) }}", "the filter 'format'"),
                Arguments.of("{{ 'x'|regex_replace('(a+)+', '') }}", "the filter 'regex_replace'"));
    }

    @ParameterizedTest
    @MethodSource("sources")
    void aTemplateThatCouldNotBeReadIsRefusedAtOnceAndItsFileNamed(String source, String message) throws IOException {
        Files.writeString(dir.resolve("chat_template.jinja"), source);
        assertThatThrownBy(() -> ChatTemplate.load(dir, Clock.systemUTC()))
                .isInstanceOf(InvalidTokenizerException.class)
                .hasMessageContainingAll("chat_template.jinja", message);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100_000})
    void whatNeverClosesIsAnErrorAndNoSearch(int repetitions) throws IOException {
        Files.writeString(dir.resolve("chat_template.jinja"), "{{".repeat(repetitions));
        ChatTemplate template = ChatTemplate.load(dir, Clock.systemUTC());
        assertThatThrownBy(() -> template.render(HI, List.of(), true)).isInstanceOf(ChatTemplateException.class);
    }

    @Test
    void aLongConversationHasABudgetOfItsOwn() {
        // given 20,000 messages, each several steps
        List<Map<String, String>> messages = Collections.nCopies(20_000, HI.getFirst());
        ChatTemplate template = new ChatTemplate(
                "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% else %}?{% endif %}{{ '.' }}{% endfor %}",
                Map.of(), Clock.systemUTC());

        // when, then
        assertThat(template.render(messages, List.of(), true)).isEqualTo("hi.".repeat(20_000));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{% for i in range(3) %}{{ i }}{% endfor %}; 012",
                "{% for i in range(1, 7, 2) -%} {{ i }} {%- endfor %}; 135",
                "{% for i in range(3, 0, -1) %}{{ i }},{% endfor %}; 3,2,1,",
                "{{ 'a,b,,c,'.split(',')|join('/') }}; a/b//c/",
                "{{ 'a.b.c'.split('.', 1)|join('/') }}; a/b.c",
                "{{ ' a  b '.split()|join('/') }}; a/b",
                "{{ 'xxaxx'.strip('x') }}{{ 'xxa'.lstrip('x') }}; aa",
                "{{ 'aXbX'.replace('X', '--') }}; a--b--",
                "{{ 'aXbX'|replace('X', '-', 1) }}; a-bX",
                "{{ 'abc'.find('c') }}; 2",
                "{{ 'a'|indent(2, true) }}; '  a'",
            })
    void whatStringsAndRangesDoIsWhatPythonDoes(String source, String expected) {
        String plain = expected.startsWith("'") ? expected.substring(1, expected.length() - 1) : expected;
        assertThat(new ChatTemplate(source, Map.of(), Clock.systemUTC()).render(HI, List.of(), true))
                .isEqualTo(plain);
    }

    private void plant(Consumer<ObjectNode> fault) throws IOException {
        ObjectNode json = (ObjectNode)
                Goldens.JSON.readTree(Goldens.TINY.resolve("tokenizer.json").toFile());
        fault.accept(json);
        Files.writeString(dir.resolve("tokenizer.json"), json.toString());
    }

    private void assertRefused(String message) {
        assertThatThrownBy(() -> Tokenizer.load(dir))
                .isInstanceOf(InvalidTokenizerException.class)
                .hasMessageContainingAll("tokenizer.json", message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a+)+$",
                "(?:a|aa)+b",
                "(?:x+){20}",
                "(a)\\1+",
                // The cube of a text's length, and the native library gives up by ending the process.
                "a*a*a*b",
                "a{0,99}a{0,99}a{0,99}a{0,99}b",
                "(?:a*|c)(?:a*|c)(?:a*|c)b",
                "(?:x+)?*y",
                "[abc",
                "",
            })
    void aPatternThatIsNotKnownToEndSoonIsRefused(String regex) throws IOException {
        plant(json -> {
            ObjectNode split = (ObjectNode)
                    json.path("pre_tokenizer").path("pretokenizers").path(0);
            split.putObject("pattern").put("Regex", regex);
        });
        assertRefused("may take forever on some text");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                BpeVocabulary.SPLIT,
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                        + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
                        + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            })
    void patternsInUseAreTaken(String regex) throws IOException {
        plant(json -> {
            ObjectNode split = (ObjectNode)
                    json.path("pre_tokenizer").path("pretokenizers").path(0);
            split.putObject("pattern").put("Regex", regex);
        });
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            String text = " ".repeat(20_000) + "a".repeat(20_000);
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        }
    }

    @Test
    void aTextThatWouldEndTheNativeLibraryIsRefused() {
        // given: one character more than is taken, of the kind that Llama's pattern goes back over
        String blanks = " ".repeat(Tokenizer.LONGEST_TEXT) + "x";

        // then
        assertThatThrownBy(() -> Goldens.TOKENIZER.encode(blanks))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most " + Tokenizer.LONGEST_TEXT);
    }

    @Test
    void normalizersThatMakeTextsLongerAreRefused() throws IOException {
        plant(json -> {
            ArrayNode all = json.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
            for (int i = 0; i < 10; i++) {
                all.addObject()
                        .put("type", "Replace")
                        .put("content", "aa")
                        .putObject("pattern")
                        .put("String", "a");
            }
        });
        assertRefused("makes texts longer");
        plant(json -> json.putObject("normalizer")
                .put("type", "Replace")
                .put("content", "x".repeat(1 << 20))
                .putObject("pattern")
                .put("Regex", BpeVocabulary.SPLIT));
        assertRefused("makes texts longer");
        plant(json -> json.putObject("normalizer").put("type", "Prepend").put("prepend", "x".repeat(1000)));
        assertRefused("before a text");
    }

    @Test
    void addedTokensThatAreNoneAreRefused() throws IOException {
        plant(json -> added(json, "", 7));
        assertRefused("added token without id or content");
        plant(json -> {
            added(json, "aa", 330);
            added(json, "aa", 331);
        });
        assertRefused("the added token 'aa' twice");
        plant(json -> added(json, "x".repeat(5000), 330));
        assertRefused("more than 1000 characters");
    }

    @Test
    void addedTokensThatHoldEachOtherEndAndKeepTheText() throws IOException {
        plant(json -> {
            added(json, "aa", 336);
            added(json, "aaa", 337);
            added(json, "aaaa", 338);
        });
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            String text = "a".repeat(10_001);
            assertThat(tokenizer.decode(tokenizer.encode(text)).equals(text)).isTrue();
            assertThat(tokenizer.encode("aa")).containsExactly(336);
            assertThat(tokenizer.encode("aaaa")).hasSizeLessThan(3);
        }
    }

    private static void added(ObjectNode json, String content, int id) {
        json.withArray("added_tokens")
                .addObject()
                .put("id", id)
                .put("content", content)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", false);
    }

    @Test
    void mergesThatMakeEachOtherEndAndKeepTheText() throws IOException {
        // given merges in the worst order, each token a part of the next and the first made of the last
        plant(json -> {
            ObjectNode model = (ObjectNode) json.get("model");
            List<JsonNode> merges = new ArrayList<>();
            model.path("merges").forEach(merges::add);
            Collections.reverse(merges);
            ArrayNode reversed = model.putArray("merges");
            merges.forEach(reversed::add);
            merges.forEach(reversed::add);
        });
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            String text = "the llama walks and walks ".repeat(2000);
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        }
    }

    @Test
    void aTokenizerThatDrawsLotsIsRefused() throws IOException {
        plant(json -> ((ObjectNode) json.get("model")).put("dropout", 0.5));
        assertRefused("model.dropout");
    }
}
