package io.altiplano.stack.infra;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Properties;

/** Passwords of one run of the platform, each generated once and kept in a file of mode 0600. */
public final class Secrets {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Path file;
    private final Properties values = new Properties();

    /** Reads the file if it is there. */
    public Secrets(Path file) {
        this.file = file;
        if (Files.exists(file)) {
            try (var in = Files.newBufferedReader(file)) {
                values.load(in);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
            }
        }
    }

    /** The secret of that name, 48 hexadecimal digits, generated and saved at the first call. */
    public synchronized String get(String name) {
        return get(name, 24);
    }

    /** The secret of that name, generated from so many random bytes at the first call. */
    public synchronized String get(String name, int bytes) {
        String value = values.getProperty(name);
        if (value == null) {
            byte[] random = new byte[bytes];
            RANDOM.nextBytes(random);
            value = HexFormat.of().formatHex(random);
            values.setProperty(name, value);
            writePrivately(file, values, "Generated secrets of this run");
        }
        return value;
    }

    /** The secret of that name if there is one. */
    public synchronized Optional<String> find(String name) {
        return Optional.ofNullable(values.getProperty(name));
    }

    /** Keeps a secret that was made elsewhere. */
    public synchronized void put(String name, String value) {
        values.setProperty(name, value);
        writePrivately(file, values, "Generated secrets of this run");
    }

    /** Writes properties to a file that only its owner reads, never half. */
    public static void writePrivately(Path file, Properties values, String comment) {
        var text = new java.io.StringWriter();
        try {
            values.store(text, comment);
            writePrivately(file, text.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes text to a file that only its owner reads, never half. */
    public static void writePrivately(Path file, String text) {
        try {
            Path folder = file.toAbsolutePath().getParent();
            Files.createDirectories(folder);
            Path temporary = Files.createTempFile(
                    folder,
                    file.getFileName() + ".",
                    ".tmp",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(temporary, text);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }
}
