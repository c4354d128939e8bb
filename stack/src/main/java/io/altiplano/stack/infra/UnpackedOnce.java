package io.altiplano.stack.infra;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A folder filled once, by whichever process comes first, and never seen half filled. */
final class UnpackedOnce {
    private UnpackedOnce() {}

    /** The folder, filled by {@code fill} if it was not there. */
    static Path in(Path folder, Consumer<Path> fill) {
        if (Files.isDirectory(folder)) {
            return folder;
        }
        try {
            Files.createDirectories(folder.getParent());
            Path lock = folder.resolveSibling(folder.getFileName() + ".lock");
            try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var held = channel.lock()) {
                if (held.isValid() && !Files.isDirectory(folder)) {
                    Path partial = folder.resolveSibling(folder.getFileName() + ".partial");
                    delete(partial);
                    Files.createDirectories(partial);
                    fill.accept(partial);
                    Files.move(partial, folder, StandardCopyOption.ATOMIC_MOVE);
                }
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack into " + folder + ": " + e.getMessage(), e);
        }
    }

    /** Removes a folder and all in it; nothing if it is not there. */
    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        }
    }
}
