package io.altiplano.stack.faults;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file system of a fixed size for the data of PostgreSQL and the broker, so that it can be filled without harm to
 * anything else. Needs the right to mount (root, as in a container of a build); without it the fault run says so and fails.
 */
final class SmallDisk {
    private static final int MEBIBYTES = 768;
    private static final String FILLER = "filler";

    private SmallDisk() {}

    /** Mounts one at a folder, which is created. */
    static void mount(Path at) {
        try {
            Files.createDirectories(at);
            run("mount", "-t", "tmpfs", "-o", "size=" + MEBIBYTES + "m", "altiplano-faults", at.toString());
            // Also when the run is interrupted: a forgotten mount would hold memory until the machine restarts.
            Runtime.getRuntime().addShutdownHook(new Thread(() -> unmount(at), "unmount"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes it away, with what it holds, as soon as nobody has a file of it open. */
    private static void unmount(Path at) {
        run("umount", "-l", at.toString());
    }

    /** Writes until nothing more goes on it. */
    static void fill(Path at) {
        byte[] block = new byte[1 << 20];
        try (OutputStream out = Files.newOutputStream(at.resolve(FILLER))) {
            while (true) {
                out.write(block);
            }
        } catch (IOException e) {
            try {
                FileStore store = Files.getFileStore(at);
                if (store.getUsableSpace() > 2 * block.length) {
                    throw new UncheckedIOException("the disk at " + at + " was not filled", e);
                }
            } catch (IOException second) {
                throw new UncheckedIOException(second);
            }
        }
    }

    /** Undoes {@link #fill}. */
    static void free(Path at) {
        try {
            Files.deleteIfExists(at.resolve(FILLER));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(String.join(" ", command) + " failed: " + said
                        + " (fault runs mount a small file system: run them as root)");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
