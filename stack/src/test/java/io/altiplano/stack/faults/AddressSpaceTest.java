package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class AddressSpaceTest {
    @Test
    void aFrozenProcessGetsNoMoreMemoryUntilItIsReleased() throws IOException {
        // given
        Process process = new ProcessBuilder("sleep", "60").start();
        try {
            // when
            AddressSpace.freeze(process.pid());
            String frozen = softLimit(process.pid());
            AddressSpace.release(process.pid());

            // then
            assertThat(frozen).matches("[0-9]+");
            assertThat(softLimit(process.pid())).isEqualTo("unlimited");
        } finally {
            process.destroyForcibly();
        }
    }

    private static String softLimit(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/limits")).stream()
                .filter(line -> line.startsWith("Max address space"))
                .map(line -> line.split(" {2,}")[1])
                .findFirst()
                .orElseThrow();
    }
}
