package io.altiplano.gateway.audit;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Infra;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.flywaydb.core.Flyway;

/** A database of a test's own, with an audit log that may be tampered with: it is dropped afterwards. */
final class LogDatabase implements AutoCloseable {
    private static final List<String> ROLES = List.of("owner", "tenant", "auth", "ledger", "operator");

    /** Makes every hash anew, from the first row on, and the head: what whoever owns the server can do. */
    private static final String REHASH = """
            DO $$
            DECLARE
                r audit_log%ROWTYPE;
                previous bytea := decode(repeat('00', 32), 'hex');
                n bigint := 0;
            BEGIN
                FOR r IN SELECT * FROM audit_log ORDER BY seq LOOP
                    n := n + 1;
                    UPDATE audit_log SET prev_hash = previous,
                        hash = audit_row_hash(r.version, previous, r.seq, r.at, r.actor, r.actor_subject, r.action, r.tenant_id,
                            r.subject, r.detail)
                        WHERE seq = r.seq RETURNING hash INTO previous;
                END LOOP;
                UPDATE audit_head SET seq = n, hash = previous;
            END
            $$""";

    private final GatewayTestResource resource = GatewayTestResource.get();
    private final String name;

    private LogDatabase(String name) {
        this.name = name;
    }

    /** An empty one; {@code migrate} fills it. */
    static LogDatabase create(String stem) throws SQLException {
        LogDatabase made = new LogDatabase(GatewayTestResource.get().role(stem));
        made.server("CREATE DATABASE \"" + made.name + "\" OWNER \"" + made.resource.role("owner")
                + "\" ENCODING 'UTF8' TEMPLATE template0");
        return made;
    }

    /** Another with the same content, while nobody is connected to this one. */
    LogDatabase copy(String stem) throws SQLException {
        LogDatabase made = new LogDatabase(resource.role(stem));
        server("CREATE DATABASE \"" + made.name + "\" OWNER \"" + resource.role("owner") + "\" TEMPLATE \"" + name
                + "\"");
        return made;
    }

    LogDatabase migrate(String target) {
        Map<String, String> placeholders = new HashMap<>();
        ROLES.forEach(role -> placeholders.put(role + "_role", resource.role(role)));
        Flyway.configure()
                .dataSource(url(), resource.role("owner"), resource.password("owner"))
                .locations("classpath:db/migration")
                .placeholders(placeholders)
                .target(target)
                .load()
                .migrate();
        return this;
    }

    /** Rows as the gateway writes them, as the role that it writes them with. */
    void append(int rows) throws SQLException {
        try (Connection operator =
                        DriverManager.getConnection(url(), resource.role("operator"), resource.password("operator"));
                Statement statement = operator.createStatement()) {
            statement.execute("""
                    INSERT INTO audit_log (actor, action, tenant_id, subject, detail)
                    SELECT 'ana', 'test.write', CASE WHEN n %% 2 = 0 THEN 'acme' END, 'thing-' || n, '{"n":' || n || '}'
                    FROM generate_series(1, %d) n""".formatted(rows));
        }
    }

    /** Changes what it likes, as a superuser with the triggers off. */
    void tamper(String sql) throws SQLException {
        try (Connection superuser = superuser();
                Statement statement = superuser.createStatement()) {
            statement.execute("SET session_replication_role = replica");
            statement.execute(sql);
        }
    }

    /** Makes the chain whole again behind a tampering. */
    void rehash() throws SQLException {
        tamper(REHASH);
    }

    /** A round of a checkpoint writer on it, which sees what others commit meanwhile, as a gateway does. */
    CheckpointWriter.Outcome sign(CheckpointKeys keys, Path file) throws Exception {
        try (Connection operator =
                        DriverManager.getConnection(url(), resource.role("operator"), resource.password("operator"));
                ConnectionChainStore source = ConnectionChainStore.in(operator)) {
            return new CheckpointWriter(source, file, keys.privateKey(), keys.publicKey(), Clock.systemUTC()).round();
        }
    }

    /** The first fault that the log shows by itself, without checkpoints. */
    AuditReport verifyAlone() {
        try (ConnectionChainStore source = connect()) {
            return new AuditVerifier(source, List.of()).verify(rows -> {});
        }
    }

    ConnectionChainStore connect() {
        return ConnectionChainStore.connect(url(), resource.role("operator"), resource.password("operator"));
    }

    /** The environment of a verification. */
    Map<String, String> environment() {
        return Map.of(
                "ALTIPLANO_DB_URL", url(),
                "ALTIPLANO_DB_OPERATOR_USERNAME", resource.role("operator"),
                "ALTIPLANO_DB_OPERATOR_PASSWORD", resource.password("operator"));
    }

    private String url() {
        Infra infra = resource.infra();
        return "jdbc:postgresql://" + infra.get("postgres.host") + ":" + infra.get("postgres.port") + "/" + name;
    }

    private Connection superuser() throws SQLException {
        Infra infra = resource.infra();
        return DriverManager.getConnection(
                url(), infra.get("postgres.superuser"), infra.get("postgres.superuser.password"));
    }

    private void server(String sql) throws SQLException {
        try (Connection superuser = resource.superuser();
                Statement statement = superuser.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() throws SQLException {
        server("DROP DATABASE \"" + name + "\" WITH (FORCE)");
    }
}
