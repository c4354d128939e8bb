package io.altiplano.worker.kernel.nativecpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kernel.BatchDependentKernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native kernels serve where they can; where not, the reason is said. */
class NativeKernelsTest {
    @TempDir
    private Path dir;

    @Test
    void they_open_exactly_where_the_processor_and_the_build_allow() throws Exception {
        boolean built = NativeKernels.class.getResource("/native/libaltiplano-kernels.so") != null;
        if (built && processorHas("avx512f", "avx512bw", "avx512dq", "avx512vl")) {
            assertThat(NativeKernels.open().name()).isEqualTo("native");
            List<String> expected = new ArrayList<>(List.of("AVX512"));
            if (processorHas("avx512vbmi")) {
                expected.add("AVX512_VBMI");
            }
            if (processorHas("avx512vbmi", "avx512_bf16")) {
                expected.add("AVX512_BF16");
            }
            assertThat(NativeKernels.variants())
                    .extracting(NativeKernels::instructions)
                    .isEqualTo(expected);
            assertThat(NativeKernels.open().instructions()).isIn(expected);
        } else {
            assertThatThrownBy(NativeKernels::open)
                    .isInstanceOf(NativeUnavailableException.class)
                    .hasMessageContaining(built ? "AVX-512" : "built");
        }
    }

    private static boolean processorHas(String... flags) throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        return Files.isReadable(info)
                && Files.readAllLines(info).stream()
                        .filter(line -> line.startsWith("flags"))
                        .anyMatch(line -> Set.of(line.split("\\s+")).containsAll(List.of(flags)));
    }

    @Test
    void a_file_that_is_no_library_is_refused_with_the_reason() throws Exception {
        Path file = Files.writeString(dir.resolve("kernels.so"), "not a library");
        assertThatThrownBy(() -> NativeKernels.open(file, Instructions.AVX512))
                .isInstanceOf(NativeUnavailableException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("cannot be loaded");
    }

    @Test
    void the_self_test_finds_an_order_that_depends_on_the_batch_and_nothing_in_a_sound_backend() {
        CpuKernels sound = new CpuKernels();
        assertThat(SelfTest.difference(sound, sound)).isEmpty();
        assertThat(SelfTest.difference(new BatchDependentKernels(sound), sound))
                .contains("2 rows")
                .contains("instead of");
    }

    @Test
    void without_a_compiler_the_build_goes_on_and_notes_the_reason() throws Exception {
        Path script = Path.of(System.getProperty("altiplano.root"), "gpu-worker", "src", "main", "native", "build.sh");
        ProcessBuilder build = new ProcessBuilder("bash", script.toString(), dir.toString());
        build.environment().put("CXX", "no-such-compiler");
        Process process = build.redirectErrorStream(true)
                .redirectOutput(dir.resolve("log").toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        assertThat(dir.resolve("libaltiplano-kernels.so")).doesNotExist();
        assertThat(dir.resolve("unavailable.txt")).content().containsAnyOf("no-such-compiler", "not on Linux");
    }
}
