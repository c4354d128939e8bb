package io.altiplano.stack.platform;

import io.altiplano.stack.infra.InfraException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The gateway's database and its five login roles on a server.
 *
 * @param url JDBC address of the database
 * @param name the database
 * @param usernames by role: owner, tenant, auth, ledger, operator
 * @param passwords by role
 */
public record Database(String url, String name, Map<String, String> usernames, Map<String, String> passwords) {
    /** The roles by the names of the gateway's settings, and the usual user of each. */
    private static final Map<String, String> USUAL = Map.of(
            "owner", "altiplano_owner",
            "tenant", "app_tenant",
            "auth", "app_auth",
            "ledger", "app_ledger",
            "operator", "app_operator");

    private static final String ROLES_SQL = "db/roles.sql";

    /**
     * Describes one without touching the server.
     *
     * @param url JDBC address of the database
     * @param suffix put behind the usual user names, so that platforms that share a server do not share roles
     * @param password of a role, by its name
     */
    public static Database of(String url, String name, String suffix, UnaryOperator<String> password) {
        Map<String, String> usernames = new LinkedHashMap<>();
        Map<String, String> passwords = new LinkedHashMap<>();
        USUAL.forEach((role, user) -> {
            usernames.put(role, user + suffix);
            passwords.put(role, password.apply(role));
        });
        return new Database(url, name, usernames, passwords);
    }

    /**
     * Creates roles and database where they are missing, by the SQL file that the gateway's jar carries.
     *
     * @param superuser a connection to any other database of the server
     */
    public void create(Connection superuser, Path gatewayApp) throws SQLException {
        String roles = rolesSql(gatewayApp);
        for (String role : usernames.keySet()) {
            roles = roles.replace("${" + role + ".username}", usernames.getOrDefault(role, ""))
                    .replace("${" + role + ".password}", passwords.getOrDefault(role, ""));
        }
        try (var statement = superuser.createStatement()) {
            statement.execute(roles);
        }
        boolean exists;
        try (var query = superuser.prepareStatement("SELECT 1 FROM pg_database WHERE datname = ?")) {
            query.setString(1, name);
            try (var rows = query.executeQuery()) {
                exists = rows.next();
            }
        }
        if (!exists) {
            try (var statement = superuser.createStatement()) {
                statement.execute("CREATE DATABASE \"" + name + "\" OWNER \"" + usernames.get("owner")
                        + "\" ENCODING 'UTF8' TEMPLATE template0");
            }
        }
    }

    /** The gateway's environment for it. */
    public Map<String, String> environment() {
        Map<String, String> e = new LinkedHashMap<>();
        e.put("ALTIPLANO_DB_URL", url);
        usernames.forEach((role, user) -> e.put("ALTIPLANO_DB_" + upper(role) + "_USERNAME", user));
        passwords.forEach((role, password) -> e.put("ALTIPLANO_DB_" + upper(role) + "_PASSWORD", password));
        return e;
    }

    /** What somebody who reads as the operator's role is told. */
    public Map<String, String> operator() {
        return Map.of(
                "ALTIPLANO_DB_URL", url,
                "ALTIPLANO_DB_OPERATOR_USERNAME", usernames.getOrDefault("operator", ""),
                "ALTIPLANO_DB_OPERATOR_PASSWORD", passwords.getOrDefault("operator", ""));
    }

    private static String upper(String role) {
        return role.toUpperCase(java.util.Locale.ROOT);
    }

    private static String rolesSql(Path gatewayApp) {
        List<Path> jars;
        try (Stream<Path> files = Files.list(gatewayApp.resolve("app"))) {
            jars = files.filter(f -> f.toString().endsWith(".jar")).toList();
        } catch (IOException e) {
            throw new InfraException(
                    "no built gateway in " + gatewayApp + ": build first (mvn package -DskipTests)", e);
        }
        for (Path jar : jars) {
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                ZipEntry entry = zip.getEntry(ROLES_SQL);
                if (entry != null) {
                    try (InputStream in = zip.getInputStream(entry)) {
                        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
                    }
                }
            } catch (IOException e) {
                throw new InfraException("cannot read " + jar + ": " + e.getMessage(), e);
            }
        }
        throw new InfraException("no " + ROLES_SQL + " in the jars of " + gatewayApp.resolve("app"));
    }
}
