package io.altiplano.gateway.db;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Infra;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a database of an earlier version holds, after all later migrations. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class UpgradeTest {
    private static final List<String> ROLES = List.of("owner", "tenant", "auth", "ledger", "operator");

    private final GatewayTestResource resource = GatewayTestResource.get();
    private final String database = resource.role("upgraded");

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
    void aMemberIsADeveloperAndAnOldKeyGoesOnWithAllScopes() throws SQLException {
        flyway("6").migrate();
        execute("""
                SET session_replication_role = replica;
                INSERT INTO tenant (id, name, tier, cache_salt) VALUES ('old', 'Old', 'ENTERPRISE', repeat('0', 64));
                INSERT INTO project (tenant_id, id, name) VALUES ('old', 'default', 'Default');
                INSERT INTO member (tenant_id, subject, role) VALUES ('old', 'ana', 'MEMBER'), ('old', 'bo', 'OWNER');
                INSERT INTO api_key (id, tenant_id, project_id, name, prefix, hash, role)
                    VALUES ('key_1', 'old', 'default', 'k', 'abcdEFGH', decode(repeat('00', 32), 'hex'), 'MEMBER')""");

        flyway("latest").migrate();

        assertThat(text("SELECT string_agg(role, ' ' ORDER BY subject) FROM member"))
                .isEqualTo("DEVELOPER OWNER");
        assertThat(text("SELECT role || ' ' || scopes::text || ' ' || expired FROM api_key_by_prefix('abcdEFGH')"))
                .isEqualTo("DEVELOPER {INFERENCE,MODELS_READ,USAGE_READ} false");
    }

    @Test
    void anOldAttestationHasItsNoticeBeforeItIsDueAgain() throws SQLException {
        flyway("latest").migrate();

        assertThat(text("SELECT (due > now() + interval '29 days')::text FROM reattestation_of('2020-01-01Z')"))
                .isEqualTo("true");
        // The control: without the rule's own age the date would be long past.
        execute("SET session_replication_role = replica; UPDATE platform_policy SET recorded_at = '2019-01-01Z'");
        assertThat(text("SELECT due = '2021-01-01Z' FROM reattestation_of('2020-01-01Z')"))
                .isEqualTo("t");
    }

    @Test
    void daysThatWerePostedBeforeThereWereMonthsAreInThem() throws SQLException {
        flyway("29").migrate();
        execute("""
                SET session_replication_role = replica;
                INSERT INTO usage_day (tenant_id, start_at, project_id, api_key_id, model, requests, failed, prompt_tokens,
                    cached_tokens, completion_tokens, cost)
                VALUES ('old', '2026-01-01Z', 'p', 'k', 'm', 2, 1, 10, 3, 20, 0.5),
                    ('old', '2026-01-31Z', 'p', 'k', 'm', 1, 0, 5, 0, 7, 0.25),
                    ('old', '2026-02-01Z', 'p', 'k', 'm', 4, 0, 1, 0, 1, 1),
                    ('other', '2026-01-31Z', 'p', 'k', 'm', 8, 0, 2, 0, 2, 2)""");

        flyway("latest").migrate();

        assertThat(text("""
                        SELECT string_agg(concat_ws(' ', tenant_id, start_at AT TIME ZONE 'UTC', requests, failed, prompt_tokens,
                            cached_tokens, completion_tokens, trim_scale(cost)), '; ' ORDER BY tenant_id, start_at)
                        FROM usage_month"""))
                .isEqualTo("old 2026-01-01 00:00:00 3 1 15 3 27 0.75; old 2026-02-01 00:00:00 4 0 1 0 1 1;"
                        + " other 2026-01-01 00:00:00 8 0 2 0 2 2");
        // The owner is bound by row security again.
        assertThat(
                        text(
                                "SELECT bool_and(relforcerowsecurity)::text FROM pg_class WHERE relname IN ('usage_day', 'usage_month')"))
                .isEqualTo("true");
    }

    private Flyway flyway(String target) {
        Map<String, String> placeholders = new HashMap<>();
        ROLES.forEach(role -> placeholders.put(role + "_role", resource.role(role)));
        return Flyway.configure()
                .dataSource(url(), resource.role("owner"), resource.password("owner"))
                .locations("classpath:db/migration")
                .placeholders(placeholders)
                .target(target)
                .load();
    }

    private void execute(String sql) throws SQLException {
        try (Connection superuser = connect()) {
            superuser.createStatement().execute(sql);
        }
    }

    private String text(String query) throws SQLException {
        try (Connection superuser = connect();
                var rows = superuser.createStatement().executeQuery(query)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private Connection connect() throws SQLException {
        Infra infra = resource.infra();
        return DriverManager.getConnection(
                url(), infra.get("postgres.superuser"), infra.get("postgres.superuser.password"));
    }

    private String url() {
        Infra infra = resource.infra();
        return "jdbc:postgresql://" + infra.get("postgres.host") + ":" + infra.get("postgres.port") + "/" + database;
    }
}
