package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.stack.infra.JavaCommand;
import io.altiplano.stack.infra.TestInfra;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShiftedClockTest {
    private static final String PROGRAM = """
            public class Now {
                public static void main(String[] a) throws Exception {
                    while (System.in.read() >= 0) {
                        System.out.println(System.currentTimeMillis() + " " + java.time.Instant.now().toEpochMilli() + " " + System.nanoTime());
                    }
                }
            }
            """;

    @TempDir
    Path dir;

    @Test
    void aRunningJvmsWallClockJumpsAndItsMonotonicOneDoesNot() throws IOException {
        // given
        ShiftedClock clock =
                new ShiftedClock(dir.resolve("clocks"), TestInfra.root().resolve("stack"), "now");
        Path source = Files.writeString(dir.resolve("Now.java"), PROGRAM);
        ProcessBuilder builder = new ProcessBuilder(
                JavaCommand.java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", source.toString());
        builder.environment().putAll(clock.environment());
        Process process = builder.start();
        try (BufferedReader said = process.inputReader(StandardCharsets.UTF_8)) {
            // when
            long[] before = ask(process, said);
            clock.set(Duration.ofMinutes(20));
            long[] ahead = ask(process, said);
            clock.set(Duration.ofMinutes(-20));
            long[] behind = ask(process, said);

            // then
            assertThat(offBy(before[0])).isLessThan(Duration.ofMinutes(1));
            assertThat(offBy(ahead[0])).isBetween(Duration.ofMinutes(19), Duration.ofMinutes(21));
            assertThat(offBy(ahead[1])).isBetween(Duration.ofMinutes(19), Duration.ofMinutes(21));
            assertThat(offBy(behind[0])).isBetween(Duration.ofMinutes(-21), Duration.ofMinutes(-19));
            assertThat(Duration.ofNanos(behind[2] - before[2])).isBetween(Duration.ZERO, Duration.ofMinutes(1));
        } finally {
            process.destroyForcibly();
        }
    }

    private static Duration offBy(long millis) {
        return Duration.between(Instant.now(), Instant.ofEpochMilli(millis));
    }

    private static long[] ask(Process process, BufferedReader said) throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
        return Arrays.stream(said.readLine().split(" "))
                .mapToLong(Long::parseLong)
                .toArray();
    }
}
