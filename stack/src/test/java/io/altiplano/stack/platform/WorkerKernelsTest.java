package io.altiplano.stack.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker goes without the Vector API only where it will not want it. */
class WorkerKernelsTest {
    private static final String LIBRARY = "native/libaltiplano-kernels.so";
    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

    @TempDir
    private Path dir;

    @Test
    void a_processor_needs_every_one_of_the_instructions() throws Exception {
        assertThat(WorkerKernels.runHere(processors("fpu avx512f avx512bw avx512dq avx512vl avx512vl")))
                .isTrue();
        assertThat(WorkerKernels.runHere(processors("fpu avx512f avx512bw avx512dq")))
                .isFalse();
        assertThat(WorkerKernels.runHere(processors(""))).isFalse();
        assertThat(WorkerKernels.runHere(dir.resolve("nothing"))).isFalse();
    }

    @Test
    void a_build_without_a_compiler_has_no_library() throws Exception {
        assertThat(WorkerKernels.built(app("with", LIBRARY))).isTrue();
        assertThat(WorkerKernels.built(app("without", "native/unavailable.txt")))
                .isFalse();
        assertThat(WorkerKernels.built(dir.resolve("nothing"))).isFalse();
    }

    @Test
    void other_kernels_that_somebody_asked_for_are_no_native_ones() throws Exception {
        Path app = app("app", LIBRARY);
        boolean here = WorkerKernels.runHere(PROCESSORS);
        assertThat(WorkerKernels.areNative(app, Map.of())).isEqualTo(here);
        assertThat(WorkerKernels.areNative(app, Map.of("ALTIPLANO_WORKER_KERNELS", "native")))
                .isEqualTo(here);
        assertThat(WorkerKernels.areNative(app, Map.of("ALTIPLANO_WORKER_KERNELS", "vector")))
                .isFalse();
        assertThat(WorkerKernels.areNative(app, Map.of("ALTIPLANO_WORKER_KERNELS", "reference")))
                .isFalse();
    }

    private Path processors(String flags) throws IOException {
        return Files.writeString(dir.resolve("cpuinfo"), "processor\t: 0\nflags\t\t: " + flags + "\n\n");
    }

    private Path app(String name, String entry) throws IOException {
        Path app = dir.resolve(name);
        Path jars = Files.createDirectories(app.resolve("app"));
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(jars.resolve("worker.jar")))) {
            jar.putNextEntry(new ZipEntry(entry));
        }
        return app;
    }
}
