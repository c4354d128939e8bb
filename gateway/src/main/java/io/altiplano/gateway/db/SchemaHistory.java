package io.altiplano.gateway.db;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Flyway's table of the migrations that were applied, read without Flyway. The rule is that Flyway has nothing to say or to do
 * where every row is a success and rows and files are the same, by version, description and checksum. Whatever else is there, or
 * cannot be told here, is Flyway's to judge.
 */
final class SchemaHistory {
    /** Where the migrations lie, beside the classes. */
    static final String FOLDER = "db/migration";

    private static final Pattern FILE = Pattern.compile("V([0-9]+)__(\\w+)\\.sql");

    /** What a row of the history and a file have in common. */
    record Migration(String version, String description, int checksum) {}

    private SchemaHistory() {}

    /** Whether every migration of these classes was applied, and no other. */
    static boolean isOfTheseClasses(DataSource owner) {
        try {
            Set<Migration> files = files();
            return files != null && files.equals(applied(owner));
        } catch (IOException | URISyntaxException | SQLException e) {
            return false;
        }
    }

    /** What was applied; null if something was that is no file, or did not succeed, or nothing was. */
    static @Nullable Set<Migration> applied(DataSource owner) throws SQLException {
        Set<Migration> all = new HashSet<>();
        try (Connection connection = owner.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT version, description, checksum, type, success FROM flyway_schema_history")) {
            while (rows.next()) {
                Migration one = new Migration(
                        rows.getString("version"), rows.getString("description"), rows.getInt("checksum"));
                if (!rows.getString("type").equals("SQL") || !rows.getBoolean("success") || !all.add(one)) {
                    return null;
                }
            }
        }
        return all.isEmpty() ? null : all;
    }

    /** The files of these classes; null if one is no migration with a version, or they cannot be listed. */
    static @Nullable Set<Migration> files() throws IOException, URISyntaxException {
        CodeSource source = SchemaHistory.class.getProtectionDomain().getCodeSource();
        if (source == null) {
            return null;
        }
        Set<Migration> all = new HashSet<>();
        for (String name : names(Path.of(source.getLocation().toURI()))) {
            Matcher parts = FILE.matcher(name);
            if (!parts.matches()) {
                return null;
            }
            all.add(new Migration(parts.group(1), parts.group(2).replace('_', ' '), checksum(name)));
        }
        return all;
    }

    private static List<String> names(Path classes) throws IOException {
        if (Files.isDirectory(classes)) {
            try (Stream<Path> files = Files.list(classes.resolve(FOLDER))) {
                return files.map(file -> file.getFileName().toString()).toList();
            }
        }
        try (JarFile jar = new JarFile(classes.toFile())) {
            return jar.stream()
                    .filter(entry -> !entry.isDirectory() && entry.getName().startsWith(FOLDER + "/"))
                    .map(entry -> entry.getName().substring(FOLDER.length() + 1))
                    .toList();
        }
    }

    /** Flyway's: of the lines, without their ends. */
    private static int checksum(String name) throws IOException {
        InputStream in = SchemaHistory.class.getResourceAsStream("/" + FOLDER + "/" + name);
        if (in == null) {
            throw new IOException("no " + name);
        }
        CRC32 sum = new CRC32();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                sum.update(line.getBytes(StandardCharsets.UTF_8));
            }
        }
        return (int) sum.getValue();
    }
}
