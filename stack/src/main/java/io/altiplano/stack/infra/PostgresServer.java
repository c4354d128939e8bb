package io.altiplano.stack.infra;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/**
 * PostgreSQL 17 as a child process, from the binaries that zonky.io packs as a Maven artifact. Durable (fsync and
 * synchronous commit on), SCRAM passwords, loopback alone, no Unix socket. PostgreSQL refuses to run as root; root's
 * is run in a user namespace of its own, where it is nobody and still owns its files.
 *
 * @param process the postmaster
 * @param port on 127.0.0.1
 * @param password of the superuser "postgres"
 */
public record PostgresServer(ManagedProcess process, int port, String password) implements AutoCloseable {
    /** The superuser's name. */
    public static final String SUPERUSER = "postgres";

    private static final String ARCHIVE = "/postgres-linux-x86_64.txz";

    /** Starts it on {@code dirs.data()/postgres}, initialising that at the first start, without waiting. */
    public static PostgresServer start(Dirs dirs, int port, String password) {
        Path home = unpacked(dirs.cache());
        Path data = dirs.data().resolve("postgres");
        if (!Files.exists(data.resolve("PG_VERSION"))) {
            initialise(home, data, password);
        }
        List<String> command = new ArrayList<>(unprivileged());
        command.addAll(List.of(home.resolve("bin/postgres").toString(), "-D", data.toString()));
        settings(port).forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
        ManagedProcess process = ManagedProcess.start(new ManagedProcess.Spec("postgres", command, Map.of(), 2), dirs);
        return new PostgresServer(process, port, password);
    }

    /** Waits until it answers. */
    public PostgresServer awaitReady() {
        Waiting.until("PostgreSQL on port " + port, process, Duration.ofSeconds(60), () -> {
            try (Connection c = superuser("postgres")) {
                return c.isValid(2);
            }
        });
        return this;
    }

    private static Map<String, String> settings(int port) {
        return Map.ofEntries(
                Map.entry("port", Integer.toString(port)),
                Map.entry("listen_addresses", "127.0.0.1"),
                Map.entry("unix_socket_directories", ""),
                Map.entry("fsync", "on"),
                Map.entry("synchronous_commit", "on"),
                Map.entry("password_encryption", "scram-sha-256"),
                Map.entry("max_connections", "300"),
                Map.entry("shared_buffers", "64MB"),
                Map.entry("jit", "off"),
                Map.entry("timezone", "UTC"),
                Map.entry("log_timezone", "UTC"));
    }

    /** Unpacks its files into the cache, which the first start would do otherwise. */
    public static void prepare(Path cache) {
        unpacked(cache);
    }

    /** A connection of the superuser to a database. */
    public Connection superuser(String database) throws SQLException {
        return DriverManager.getConnection(url(database), SUPERUSER, password);
    }

    /** The JDBC address of a database. */
    public String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    @Override
    public void close() {
        process.stop(Duration.ofSeconds(15));
    }

    private static void initialise(Path home, Path data, String password) {
        Path passwordFile = null;
        try {
            Files.createDirectories(data.getParent());
            passwordFile = Files.createTempFile(
                    "pg", ".pw", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(passwordFile, password);
            List<String> command = new ArrayList<>(unprivileged());
            command.addAll(List.of(
                    home.resolve("bin/initdb").toString(),
                    "-D",
                    data.toString(),
                    "-U",
                    SUPERUSER,
                    "-A",
                    "scram-sha-256"));
            command.addAll(List.of("--pwfile=" + passwordFile, "-E", "UTF8", "--no-sync"));
            command.addAll(List.of("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"));
            Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(p.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            if (p.waitFor() != 0) {
                throw new InfraException("PostgreSQL's initdb failed: " + output);
            }
        } catch (IOException e) {
            throw new InfraException("cannot initialise PostgreSQL in " + data + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted in initdb", e);
        } finally {
            if (passwordFile != null) {
                passwordFile.toFile().delete();
            }
        }
    }

    private static List<String> unprivileged() {
        return System.getProperty("user.name", "").equals("root") ? List.of("unshare", "-U") : List.of();
    }

    private static Path unpacked(Path cache) {
        return UnpackedOnce.in(cache.resolve("postgresql-17.6.0"), folder -> {
            try (InputStream in = Objects.requireNonNull(
                            PostgresServer.class.getResourceAsStream(ARCHIVE),
                            "PostgreSQL's archive is on the class path");
                    TarArchiveInputStream tar = new TarArchiveInputStream(new XZCompressorInputStream(in))) {
                for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
                    unpack(folder, tar, e);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void unpack(Path folder, TarArchiveInputStream tar, TarArchiveEntry entry) throws IOException {
        Path target = folder.resolve(entry.getName()).normalize();
        if (entry.isDirectory()) {
            Files.createDirectories(target);
            return;
        }
        Files.createDirectories(target.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
            return;
        }
        Files.copy(tar, target);
        if ((entry.getMode() & 0100) != 0) {
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }
}
