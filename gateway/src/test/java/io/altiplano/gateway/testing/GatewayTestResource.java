package io.altiplano.gateway.testing;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.jspecify.annotations.Nullable;

/**
 * One gateway for the whole test run, on the shared infrastructure but for itself: roles and database of a random name, reached
 * over a wire that tests can cut, and topics under a random prefix. All is taken away at the end. Every test class of the
 * gateway that needs it says {@code @QuarkusTest @QuarkusTestResource(GatewayTestResource.class)}.
 */
public final class GatewayTestResource implements QuarkusTestResourceLifecycleManager {
    private static final List<String> ROLES = List.of("owner", "tenant", "auth", "ledger", "operator");
    /** How long a body may take to come, in tests. */
    public static final Duration UPLOAD_TIMEOUT = Duration.ofSeconds(4);

    private static final int POOL_PARTITIONS = 4;
    private static final int REPLY_PARTITIONS = 16;

    private static @Nullable GatewayTestResource running;

    private final Infra infra = Infra.read();
    private final String name = "t" + HexFormat.of().formatHex(randomBytes(5));
    private final Topics topics = new Topics(name + "-");
    private @Nullable CutWire postgres;
    private @Nullable SigningKeys signingKeys;
    private @Nullable Path models;

    /** The one of this run. */
    public static GatewayTestResource get() {
        return Objects.requireNonNull(
                running, "annotate the test with @QuarkusTestResource(GatewayTestResource.class)");
    }

    /** The shared infrastructure. */
    public Infra infra() {
        return infra;
    }

    /** The topics of this run. */
    public Topics topics() {
        return topics;
    }

    /** The wire to PostgreSQL. */
    public CutWire postgresWire() {
        return Objects.requireNonNull(postgres);
    }

    /** The wire to Keycloak's signing keys. */
    public SigningKeys signingKeys() {
        return Objects.requireNonNull(signingKeys);
    }

    /** The model store of this run, empty at first. */
    public Path models() {
        return Objects.requireNonNull(models);
    }

    /** Kafka as a principal of the infrastructure: admin, gateway, scheduler or worker. */
    public KafkaConfig kafka(String principal) {
        return new KafkaConfig(
                infra.get("kafka.bootstrap"),
                infra.get("kafka.security"),
                infra.get("kafka.mechanism"),
                infra.get("kafka." + principal + ".username"),
                infra.get("kafka." + principal + ".password"));
    }

    /** This run's name of one of the roles owner, tenant, auth, ledger, operator. */
    public String role(String role) {
        return name + "_" + role;
    }

    /** The password of one of these roles. */
    public String password(String role) {
        return "pw-" + role(role);
    }

    /** This run's database as the server's superuser, past the wire. */
    public Connection superuser() throws SQLException {
        return connect(name, infra.get("postgres.superuser"), infra.get("postgres.superuser.password"));
    }

    /** This run's database as one of the roles, past the wire. */
    public Connection as(String role) throws SQLException {
        return connect(name, role(role), password(role));
    }

    @Override
    public Map<String, String> start() {
        postgres = new CutWire(infra.get("postgres.host"), Integer.parseInt(infra.get("postgres.port")));
        signingKeys = new SigningKeys(infra.issuer());
        try {
            models = Files.createTempDirectory("altiplano-models");
            createDatabase();
            createTopics();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (SQLException | ExecutionException e) {
            throw new IllegalStateException("the test infrastructure cannot be used", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        running = this;
        return config();
    }

    private Map<String, String> config() {
        Map<String, String> config = new HashMap<>();
        config.put("quarkus.http.test-port", "0");
        config.put(
                "altiplano.db.url",
                "jdbc:postgresql://127.0.0.1:" + postgresWire().port() + "/" + name);
        for (String role : ROLES) {
            config.put("altiplano.db." + role + ".username", role(role));
            config.put("altiplano.db." + role + ".password", password(role));
        }
        KafkaConfig gateway = kafka("gateway");
        config.put("altiplano.kafka.bootstrap", gateway.bootstrapServers());
        config.put("altiplano.kafka.security", gateway.security());
        config.put("altiplano.kafka.mechanism", gateway.mechanism());
        config.put("altiplano.kafka.username", gateway.username());
        config.put("altiplano.kafka.password", gateway.password());
        config.put("altiplano.topics.prefix", topics.prefix());
        config.put("altiplano.keys.pepper", HexFormat.of().formatHex(randomBytes(32)));
        config.put("altiplano.oidc.url", infra.issuer());
        config.put("quarkus.oidc.jwks-path", signingKeys().url());
        config.put("altiplano.console.url", "http://127.0.0.1:8080");
        config.put("altiplano.http.upload-timeout", UPLOAD_TIMEOUT.toString());
        config.put("altiplano.models.dir", models().toString());
        config.put("altiplano.policy.flush-period", "PT1S");
        config.put("altiplano.policy.review-period", "PT1S");
        config.put("altiplano.policy.reports-per-hour", "500");
        return config;
    }

    @Override
    public void stop() {
        running = null;
        try {
            dropTopics();
            try (Connection connection = server();
                    Statement statement = connection.createStatement()) {
                statement.execute("DROP DATABASE IF EXISTS \"" + name + "\" WITH (FORCE)");
                for (String role : ROLES) {
                    statement.execute("DROP ROLE IF EXISTS \"" + role(role) + "\"");
                }
            }
        } catch (SQLException | ExecutionException e) {
            throw new IllegalStateException("the test's database or topics are left over", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            postgresWire().close();
            signingKeys().close();
        }
    }

    private void createDatabase() throws SQLException, IOException {
        String roles;
        try (InputStream in = Objects.requireNonNull(getClass().getResourceAsStream("/db/roles.sql"))) {
            roles = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        for (String role : ROLES) {
            roles = roles.replace("${" + role + ".username}", role(role))
                    .replace("${" + role + ".password}", password(role));
        }
        try (Connection connection = server();
                Statement statement = connection.createStatement()) {
            statement.execute(roles);
            statement.execute("CREATE DATABASE \"" + name + "\" OWNER \"" + role("owner")
                    + "\" ENCODING 'UTF8' TEMPLATE template0");
        }
    }

    private void createTopics() throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(kafka("admin").common())) {
            List<NewTopic> wanted = List.of(
                    new NewTopic(topics.submissions(), POOL_PARTITIONS, (short) 1),
                    new NewTopic(topics.attempts(), POOL_PARTITIONS, (short) 1),
                    new NewTopic(topics.workers(), POOL_PARTITIONS, (short) 1),
                    new NewTopic(topics.jobs(), POOL_PARTITIONS, (short) 1),
                    new NewTopic(topics.replies(), REPLY_PARTITIONS, (short) 1),
                    new NewTopic(topics.notices(), REPLY_PARTITIONS, (short) 1),
                    new NewTopic(topics.deadLetters("gateway"), 1, (short) 1),
                    new NewTopic(topics.work("default"), REPLY_PARTITIONS, (short) 1));
            admin.createTopics(wanted).all().get();
        }
    }

    private void dropTopics() throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(kafka("admin").common())) {
            admin.deleteTopics(List.of(
                            topics.submissions(),
                            topics.attempts(),
                            topics.workers(),
                            topics.jobs(),
                            topics.replies(),
                            topics.notices(),
                            topics.deadLetters("gateway"),
                            topics.work("default")))
                    .all()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .orTimeout(10, TimeUnit.SECONDS)
                    .get();
        }
    }

    private Connection server() throws SQLException {
        return connect("postgres", infra.get("postgres.superuser"), infra.get("postgres.superuser.password"));
    }

    private Connection connect(String database, String user, String password) throws SQLException {
        String url =
                "jdbc:postgresql://" + infra.get("postgres.host") + ":" + infra.get("postgres.port") + "/" + database;
        return DriverManager.getConnection(url, user, password);
    }

    private static byte[] randomBytes(int count) {
        byte[] bytes = new byte[count];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }
}
