package io.altiplano.worker.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.worker.TinyModels;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineCliTest {
    private static @Nullable Path model;

    private record Result(int code, String out, String err) {}

    @BeforeAll
    static void write(@TempDir Path dir) {
        model = TinyModels.write(dir.resolve("tiny"));
    }

    @Test
    void an_answer_goes_to_standard_output_and_its_speed_to_standard_error() {
        Result result = run("generate", "--prompt", "Hi", "--max-tokens", "12", "--weights", "bf16", "--seed", "3");
        assertThat(result.code).isZero();
        assertThat(result.out).endsWith(System.lineSeparator());
        assertThat(result.err).contains("10 prompt tokens", "12 generated (length)", "tokens/s");
    }

    @Test
    void equal_seeds_give_equal_answers_and_raw_ones_have_no_template() {
        String[] raw = {"generate", "--raw", "--prompt", "Hi", "--max-tokens", "12", "--temperature", "1", "--seed", "3"
        };
        Result first = run(raw);
        assertThat(run(raw).out).isEqualTo(first.out);
        assertThat(first.err).contains("3 prompt tokens");
    }

    @Test
    void several_answers_differ_by_their_noise_and_each_token_tells_its_log_probability() {
        Result result = run(
                "generate",
                "--raw",
                "--prompt",
                "Hi",
                "--max-tokens",
                "3",
                "--temperature",
                "1",
                "--n",
                "3",
                "--logprobs",
                "20",
                "--logit-bias",
                "65=100",
                "--logit-bias",
                "66=100",
                "--top-k",
                "2",
                "--frequency-penalty",
                "0.1");
        assertThat(result.err).contains("3 generated");
        List<String> texts =
                result.out.lines().filter(line -> !line.startsWith("{")).toList();
        assertThat(texts).hasSize(3).allMatch(text -> text.matches("[AB]{3}"));
        List<String> lines =
                result.out.lines().filter(line -> line.startsWith("{")).toList();
        assertThat(lines)
                .hasSize(9)
                .allSatisfy(line -> assertThat(line)
                        .matches("\\{\"token\":\"[AB]\",\"logprob\":-[0-9.E-]+,\"bytes\":\\[6[56]],\"top_logprobs\":.*")
                        .satisfies(l -> assertThat(l.split("\"logprob\"")).hasSize(22)));
    }

    @Test
    void an_adapter_changes_the_answer_and_later_answers_know_the_prompt() throws URISyntaxException {
        Path adapter = Path.of(
                Objects.requireNonNull(EngineCliTest.class.getResource("/checkpoints/tied-llama3/adapters/r8-all"))
                        .toURI());
        String prompt = "The same beginning for both answers.";
        String[] plain = {"generate", "--raw", "--prompt", prompt, "--max-tokens", "12", "--min-tokens", "12"};
        Result without = run(plain);
        List<String> more = new ArrayList<>(List.of(plain));
        more.addAll(List.of("--adapter", adapter.toString(), "--n", "2"));
        Result with = run(more.toArray(String[]::new));

        assertThat(with.code).isZero();
        assertThat(with.out).isNotEqualTo(without.out + without.out);
        assertThat(with.err).contains("37 prompt tokens, 12", "37 prompt tokens (32 of them known), 12");
        more.set(more.indexOf("--adapter") + 1, "/none");
        assertOneLine(run(more.toArray(String[]::new)), "adapter_config.json is missing");
    }

    @Test
    void a_quantized_copy_answers_and_its_cost_is_told(@TempDir Path dir) {
        Path out = dir.resolve("fp8");
        Result quantized =
                runAlone("", "quantize", model().toString(), out.toString(), "--weights", "fp8-all", "--packed");
        assertThat(quantized.code).isZero();
        assertThat(out.resolve("model-tp1.panels")).exists();
        Result answer =
                runAlone("", "generate", "--model", out.toString(), "--raw", "--prompt", "Hi", "--max-tokens", "5");
        assertThat(answer.code).as(answer.err).isZero();

        Result quality = runAlone("{\"text\": \"Some text to read.\"}\n", "quality", "--model", model().toString());
        assertThat(quality.out.lines())
                .hasSize(8)
                .anyMatch(line -> line.matches("fp8-all +bf16 +17 +.*"))
                .anyMatch(line -> line.matches("bf16 +f32 +17 +[0-9.]+ +0.00000 +0.00000 +100.00%"));

        assertOneLine(
                runAlone("", "quantize", model().toString(), out.toString(), "--weights", "fp8-all"), "is not empty");
        assertOneLine(
                runAlone("", "quantize", "/none", out.toString(), "--weights", "fp8-all"), "/none is no directory");
        assertOneLine(
                runAlone("", "quantize", model().toString(), dir.resolve("x").toString(), "--weights", "bf16"),
                "bf16 is no quantization");
        Path split = dir.resolve("split");
        assertOneLine(
                runAlone(
                        "",
                        "quantize",
                        model().toString(),
                        split.toString(),
                        "--weights",
                        "fp8-all",
                        "--packed",
                        "--tp",
                        "8"),
                "Tensor parallelism 8 does not divide");
        assertThat(split).doesNotExist();
    }

    @Test
    void texts_become_tokens_and_tokens_texts() {
        Result result = runWith(
                "{\"text\": \"a<s>ñ\"}\n\n{\"tokens\": [72, 105, 195, 177, 258]}\n{\"text\": \"\"}\n", "tokenize");
        assertThat(result.code).isZero();
        assertThat(result.out.lines())
                .containsExactly("{\"tokens\":[97,60,115,62,195,177]}", "{\"text\":\"Hiñ<|eot|>\"}", "{\"tokens\":[]}");
    }

    @Test
    void lines_go_through_and_back_unchanged() {
        String texts =
                "{\"text\":\" \\n\\ttab \\r\\n<s>\\u0000🦙 ñ\u2028\"}\n{\"text\":\"\"}\n{\"text\":\"\\\"\\\\\"}\n";
        Result there = runWith(texts, "tokenize");
        Result back = runWith(there.out, "tokenize");
        assertThat(back.code).isZero();
        assertThat(back.out.lines().toList()).isEqualTo(texts.lines().toList());
        assertThat(runWith(back.out, "tokenize").out).isEqualTo(there.out);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "x; line 1 is no JSON",
                "{\"texts\": 1}; neither \"text\" nor \"tokens\"",
                "{\"tokens\": [999]}; outside the vocabulary",
                "{\"tokens\": [\"a\"]}; line 1",
                "{\"tokens\": [1.5]}; holds 1.5",
                "{\"tokens\": [null]}; holds null",
                "{\"tokens\": [4294967297]}; holds 4294967297",
                "{\"tokens\": [-1]}; outside the vocabulary",
            })
    void a_bad_line_is_named(String line, String expected) {
        assertOneLine(runWith(line + "\n", "tokenize"), expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "generate; Missing required option",
                "generate --prompt x --weights int4; int4",
                "generate --prompt x --tp 3; tensor parallelism must be 1, 2, 4 or 8",
                "generate --prompt x --threads -1; --threads must be 0 to 1024",
                "generate --prompt x --threads 100000; --threads must be 0 to 1024",
                "generate --prompt x --logprobs -5; --logprobs must be 0 to 20",
                "generate --prompt x --logprobs 21; --logprobs must be 0 to 20",
                "generate --prompt x --top-k -1; top_k must be 0",
                "generate --prompt x --logit-bias 999=1; logit_bias names token 999",
                "generate --prompt x --n 0; --n must be 1 to 128",
                "generate --prompt x --max-tokens 0; max_tokens must be at least 1",
                "generate --prompt x --max-tokens 99999; exceed the model's context of 512 tokens",
                "generate --prompt x --max-tokens 200000000; exceed the model's context of 512 tokens",
                "generate --prompt x --max-tokens 2147483647; exceed the model's context of 512 tokens",
                "generate --prompt x --temperature 9; temperature must be 0 to 2",
                "generate --prompt x --temperature hot; Invalid value for option '--temperature'",
                "generate --prompt x --unheard; Unknown option",
                "unheard; unheard",
            })
    void bad_input_is_one_line_and_code_2(String arguments, String expected) {
        assertOneLine(run(arguments.split(" ")), expected);
    }

    @Test
    void a_directory_that_is_none_is_named(@TempDir Path empty) {
        assertOneLine(
                execute(
                        "generate",
                        "--prompt",
                        "x",
                        "--model",
                        empty.resolve("no").toString()),
                "is no directory");
        assertOneLine(execute("generate", "--prompt", "x", "--model", empty.toString()), "has no tokenizer.json");
    }

    private static void assertOneLine(Result result, String expected) {
        assertThat(result.code).isEqualTo(2);
        assertThat(result.out).isEmpty();
        assertThat(result.err.strip().lines()).hasSize(1);
        assertThat(result.err).contains(expected).doesNotContain("Exception");
    }

    private static Result runWith(String input, String... args) {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            return run(args);
        } finally {
            System.setIn(before);
        }
    }

    private static Path model() {
        return Objects.requireNonNull(model);
    }

    /** Without naming the model. */
    private static Result runAlone(String input, String... args) {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            return execute(args);
        } finally {
            System.setIn(before);
        }
    }

    private static Result run(String... args) {
        List<String> all = new ArrayList<>(List.of(args));
        if (!args[0].equals("unheard")) {
            all.addAll(List.of("--model", Objects.requireNonNull(model).toString()));
        }
        return execute(all.toArray(new String[0]));
    }

    private static Result execute(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = EngineCli.execute(new PrintWriter(out, true), new PrintWriter(err, true), args);
        return new Result(code, out.toString(), err.toString());
    }
}
