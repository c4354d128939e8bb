package io.altiplano.stack.infra;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretsTest {
    @TempDir
    private Path folder = Path.of("");

    @Test
    void aSecretIsGeneratedOnceAndOutlivesTheProcess() {
        // given
        Path file = folder.resolve("secrets");
        String first = new Secrets(file).get("a");

        // when
        String second = new Secrets(file).get("a");

        // then
        assertThat(second).isEqualTo(first).matches("[0-9a-f]{48}");
        assertThat(new Secrets(file).get("b")).isNotEqualTo(first);
    }

    @Test
    void onlyTheOwnerReadsTheFile() throws Exception {
        // given
        Path file = folder.resolve("secrets");

        // when
        new Secrets(file).put("key", "alt_x");

        // then
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(new Secrets(file).find("key")).contains("alt_x");
        assertThat(new Secrets(file).find("other")).isEmpty();
    }
}
