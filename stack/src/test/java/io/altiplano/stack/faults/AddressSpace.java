package io.altiplano.stack.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory that a running process may have (prlimit(1)): with no more than it has, it cannot make a thread or map a file. */
final class AddressSpace {
    private AddressSpace() {}

    /** Not a byte more than now; nothing happens to a process that has ended. */
    static void freeze(long pid) {
        try {
            Path status = Path.of("/proc/" + pid + "/status");
            if (!Files.exists(status)) {
                return;
            }
            long kibibytes = Files.readAllLines(status).stream()
                    .filter(line -> line.startsWith("VmSize:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
            limit(pid, Long.toString(kibibytes << 10));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As much as it wants. */
    static void release(long pid) {
        limit(pid, "unlimited");
    }

    /** The soft limit alone: who lowers the hard one may not be allowed to raise it again. */
    private static void limit(long pid, String bytes) {
        try {
            Process process = new ProcessBuilder("prlimit", "--pid", Long.toString(pid), "--as=" + bytes + ":")
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            // It may have ended meanwhile, as other faults and this one end it.
            if (process.waitFor() != 0 && Files.exists(Path.of("/proc/" + pid + "/limits"))) {
                throw new AssertionError("prlimit of " + pid + " failed: " + said);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
