package io.altiplano.stack.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;

/**
 * The wall clock of one process, which can be set while it runs: a library between it and the C library adds what stands in a file.
 * Compiled from {@code src/test/native/shifted_clock.c} by the machine's C compiler.
 */
final class ShiftedClock {
    private final Path library;
    private final Path file;

    /**
     * @param folder for the library and the file
     * @param source the module's folder
     * @param process its name
     */
    ShiftedClock(Path folder, Path source, String process) {
        try {
            Files.createDirectories(folder);
            library = folder.resolve("shifted_clock.so");
            if (!Files.exists(library)) {
                compile(source.resolve("src/test/native/shifted_clock.c"), library);
            }
            file = folder.resolve(process);
            set(Duration.ZERO);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void compile(Path source, Path library) throws IOException {
        Process cc = new ProcessBuilder(
                        "cc",
                        "-shared",
                        "-fPIC",
                        "-O2",
                        "-Wall",
                        "-Werror",
                        "-o",
                        library.toString(),
                        source.toString(),
                        "-ldl")
                .redirectErrorStream(true)
                .start();
        String said = new String(cc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (cc.waitFor() != 0) {
                throw new AssertionError(source + " could not be compiled (apt-get install gcc): " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** What the process is to be started with. */
    Map<String, String> environment() {
        return Map.of("LD_PRELOAD", library.toString(), "ALTIPLANO_FAULTS_CLOCK", file.toString());
    }

    /** From now on its clock shows so much more than the machine's. */
    void set(Duration ahead) {
        ByteBuffer nanos = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        try {
            // In place: the process has the file's first page mapped.
            try (var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                channel.write(nanos.putLong(ahead.toNanos()).flip(), 0);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
