package io.altiplano.stack.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.stack.infra.TestInfra;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LauncherTest {
    private record Result(int status, String output) {}

    @ParameterizedTest
    @ValueSource(
            strings = {
                "up",
                "down",
                "status",
                "logs",
                "token",
                "chat",
                "model",
                "bench",
                "test",
                "infra",
                "engine",
                "audit",
                "dead-letters",
                "ledger"
            })
    void everyCommandExplainsItself(String command) throws Exception {
        // when
        Result help = run(command, "--help");

        // then
        assertThat(help.status()).isZero();
        assertThat(help.output()).startsWith("Usage: ./altiplano " + command);
    }

    @Test
    void theLauncherNamesItsCommands() throws Exception {
        // when
        Result help = run("--help");

        // then
        assertThat(help.status()).isZero();
        assertThat(help.output()).contains("up ", "down ", "status ", "logs ", "token ", "chat ", "test ", "bench ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nonsense | no command 'nonsense'",
                "up --sideways | up does not know '--sideways'",
                "up --workers many | --workers takes a number",
                "up --workers 17 | --workers 17: 1 to 16",
                "up --tp 3 | --tp 3: 1, 2, 4 or 8",
                "token | token takes one USER of: admin officer-a",
                "model export | model knows import and quantize, not 'export'",
                "audit publish | audit knows verify, not 'publish'",
                "ledger publish | ledger knows rebuild, not 'publish'",
                "bench everything | bench knows platform, start, streams, ledger and engine, not 'everything'",
                "test --faults --seeds many | --seeds takes a number",
                "test --module nothing | --module takes one of",
                "infra --sideways | infra does not know '--sideways'"
            })
    void aWrongCommandLineIsNamedAndRefused(String line, String message) throws Exception {
        // when
        Result refused = run(line.split(" ", -1));

        // then
        assertThat(refused.status()).isEqualTo(2);
        assertThat(refused.output()).contains(message);
    }

    private static Result run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(TestInfra.root().resolve("altiplano").toString());
        command.addAll(List.of(arguments));
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(p.waitFor(), output);
    }
}
