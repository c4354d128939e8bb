package io.altiplano.stack.faults;

import com.google.protobuf.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/**
 * The build under test as the next version might be: every record it writes to Kafka has a field that this one does not know, and its
 * migration has added a table and, to every other table, a column.
 */
final class NextVersion {
    /** Of no message of this version. */
    private static final int FIELD = 3_000;

    /** What {@link #FIELD} holds, as protobuf writes it: the tag in three bytes, the length, the text. */
    private static final String ADDED = "(byte) 0xC2, (byte) 0xBB, 1, 4, 'n', 'e', 'x', 't'";

    private static final String WRITES = "out.put(message.toByteArray());";
    private static final String SIZE = "ByteBuffer.allocate(1 + message.getSerializedSize());";
    private static final String VERSION = "999999";

    private NextVersion() {}

    /** Whether the next version wrote a record. */
    static boolean wrote(Message record) {
        return record.getUnknownFields().hasField(FIELD);
    }

    /**
     * Copies an application as Maven leaves it, but for how its records are written.
     *
     * @param app a quarkus-app folder
     * @param root of the checkout
     */
    static Path of(Path app, Path root, Path folder) {
        try {
            var unused = copy(app, folder);
            Path contracts;
            try (Stream<Path> jars = Files.list(folder.resolve("lib/main"))) {
                contracts = jars.filter(jar -> jar.getFileName().toString().contains(".contracts-"))
                        .findFirst()
                        .orElseThrow();
            }
            Path codec = compiled(root, folder.resolveSibling(folder.getFileName() + "-classes"));
            // The copy may be a link to the original.
            Path jar = Files.copy(contracts, contracts.resolveSibling("next.jar"));
            try (FileSystem inside = FileSystems.newFileSystem(jar)) {
                Files.copy(
                        codec,
                        inside.getPath("/io/altiplano/contracts/Codec.class"),
                        StandardCopyOption.REPLACE_EXISTING);
            }
            Files.move(jar, contracts, StandardCopyOption.REPLACE_EXISTING);
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Copies an application as it is, by links; returns the copy. */
    static Path copy(Path from, Path to) {
        try (Stream<Path> tree = Files.walk(from)) {
            for (Path path : tree.toList()) {
                Path target = to.resolve(from.relativize(path));
                if (Files.isDirectory(path)) {
                    Files.createDirectories(target);
                } else {
                    Files.createLink(target, path);
                }
            }
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path compiled(Path root, Path folder) throws IOException {
        String source = Files.readString(root.resolve("contracts/src/main/java/io/altiplano/contracts/Codec.java"));
        if (!source.contains(WRITES) || !source.contains(SIZE)) {
            throw new AssertionError("Codec.encode has changed: its next version is made from '" + WRITES + "'");
        }
        Path file = folder.resolve("Codec.java");
        Files.createDirectories(folder);
        Files.writeString(
                file,
                source.replace(SIZE, "ByteBuffer.allocate(9 + message.getSerializedSize());")
                        .replace(WRITES, WRITES + " out.put(new byte[] {" + ADDED + "});"));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        int failed = compiler.run(
                null,
                null,
                null,
                "-proc:none",
                "-d",
                folder.toString(),
                "-classpath",
                System.getProperty("java.class.path"),
                file.toString());
        if (failed != 0) {
            throw new AssertionError(file + " was not compiled");
        }
        return folder.resolve("io/altiplano/contracts/Codec.class");
    }

    /** Migrates the database as the next version does, while this one runs on it. */
    static void widen(Connection owner) throws SQLException {
        for (String table : tables(owner)) {
            execute(owner, "ALTER TABLE " + table + " ADD COLUMN of_next_version text DEFAULT 'next'");
        }
        execute(owner, "CREATE TABLE next_version (id bigint PRIMARY KEY)");
        execute(
                owner,
                "INSERT INTO flyway_schema_history SELECT max(installed_rank) + 1, '" + VERSION
                        + "', 'next version', 'SQL', 'V" + VERSION
                        + "__next_version.sql', 1, 'nobody', now(), 1, true FROM flyway_schema_history");
    }

    /** And back again. */
    static void narrow(Connection owner) throws SQLException {
        for (String table : tables(owner)) {
            execute(owner, "ALTER TABLE " + table + " DROP COLUMN IF EXISTS of_next_version");
        }
        execute(owner, "DROP TABLE IF EXISTS next_version");
        execute(owner, "DELETE FROM flyway_schema_history WHERE version = '" + VERSION + "'");
    }

    /** A migration waits for no transaction for long, and is tried again: who waits behind it would wait too. */
    private static void execute(Connection owner, String sql) throws SQLException {
        try (Statement statement = owner.createStatement()) {
            statement.execute("SET lock_timeout = '2s'");
            for (int left = 20; ; left--) {
                try {
                    statement.execute(sql);
                    return;
                } catch (SQLException e) {
                    boolean locked = "55P03".equals(e.getSQLState()) || "40P01".equals(e.getSQLState());
                    if (!locked || left == 0) {
                        throw e;
                    }
                }
            }
        }
    }

    /** But for partitions, which follow their table, and Flyway's own. */
    private static List<String> tables(Connection owner) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (Statement statement = owner.createStatement();
                ResultSet row = statement.executeQuery("""
                        SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                            AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                            AND c.relname NOT IN ('flyway_schema_history', 'next_version') ORDER BY 1""")) {
            while (row.next()) {
                tables.add(row.getString(1));
            }
        }
        return tables;
    }
}
