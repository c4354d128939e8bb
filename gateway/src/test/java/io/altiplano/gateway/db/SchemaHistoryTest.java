package io.altiplano.gateway.db;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.db.SchemaHistory.Migration;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Infra;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** A start may pass Flyway by only where Flyway would find nothing to say or to do. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class SchemaHistoryTest {
    private final GatewayTestResource resource = GatewayTestResource.get();
    private final String database = resource.role("history");

    @BeforeEach
    void create() throws SQLException {
        try (Connection superuser = resource.superuser()) {
            superuser
                    .createStatement()
                    .execute("CREATE DATABASE \"" + database + "\" OWNER \"" + resource.role("owner")
                            + "\" TEMPLATE template0");
        }
    }

    @AfterEach
    void drop() throws SQLException {
        try (Connection superuser = resource.superuser()) {
            superuser.createStatement().execute("DROP DATABASE \"" + database + "\" WITH (FORCE)");
        }
    }

    @Test
    void filesAreReadAsFlywayReadsThem() throws Exception {
        assertThat(SchemaHistory.files())
                .containsExactlyInAnyOrderElementsOf(
                        Arrays.stream(flyway("latest").info().all())
                                .map(one -> new Migration(
                                        one.getVersion().getVersion(),
                                        one.getDescription(),
                                        Objects.requireNonNull(one.getChecksum())))
                                .toList());
    }

    @Test
    void anEmptyDatabaseAndOneOfAnEarlierVersionAreFlyways() {
        assertThat(SchemaHistory.isOfTheseClasses(owner())).isFalse();

        flyway("29").migrate();

        assertThat(SchemaHistory.isOfTheseClasses(owner())).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SET checksum = checksum + 1 WHERE version = '5'",
                "SET checksum = NULL WHERE version = '5'",
                "SET description = 'another' WHERE version = '5'",
                "SET success = false WHERE version = '30'",
                "SET version = '31' WHERE version = '30'",
                "SET version = NULL WHERE version = '30'",
                "SET type = 'BASELINE' WHERE version = '1'",
            })
    void aRowThatDiffersInAnythingIsFlyways(String change) throws SQLException {
        flyway("latest").migrate();
        assertThat(SchemaHistory.isOfTheseClasses(owner())).isTrue();

        execute("UPDATE flyway_schema_history " + change);

        assertThat(SchemaHistory.isOfTheseClasses(owner())).isFalse();
    }

    @Test
    void aRowMoreOrLessIsFlyways() throws SQLException {
        flyway("latest").migrate();
        execute("INSERT INTO flyway_schema_history SELECT 100, '100', 'later', type, script, 1, installed_by,"
                + " installed_on, 1, true FROM flyway_schema_history WHERE version = '30'");

        assertThat(SchemaHistory.isOfTheseClasses(owner())).isFalse();

        execute("DELETE FROM flyway_schema_history WHERE version = '100'");
        assertThat(SchemaHistory.isOfTheseClasses(owner())).isTrue();
        execute("DELETE FROM flyway_schema_history WHERE version = '7'");
        assertThat(SchemaHistory.isOfTheseClasses(owner())).isFalse();
    }

    private Flyway flyway(String target) {
        Map<String, String> placeholders = new HashMap<>();
        for (String role : List.of("owner", "tenant", "auth", "ledger", "operator")) {
            placeholders.put(role + "_role", resource.role(role));
        }
        return Flyway.configure()
                .dataSource(owner())
                .locations("classpath:db/migration")
                .placeholders(placeholders)
                .target(target)
                .load();
    }

    private PGSimpleDataSource owner() {
        Infra infra = resource.infra();
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(
                "jdbc:postgresql://" + infra.get("postgres.host") + ":" + infra.get("postgres.port") + "/" + database);
        source.setUser(resource.role("owner"));
        source.setPassword(resource.password("owner"));
        return source;
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = owner().getConnection()) {
            connection.createStatement().execute(sql);
        }
    }
}
