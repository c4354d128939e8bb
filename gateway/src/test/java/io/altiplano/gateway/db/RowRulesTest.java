package io.altiplano.gateway.db;

import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The catalogue of the migrated database against the rules of tenant isolation, each with a control that breaks it. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class RowRulesTest {
    /** Tables that hold nothing of a tenant's; every other one must have forced row security and a policy. */
    private static final List<String> PLATFORM_TABLES = List.of(
            "audit_head",
            "dead_letter",
            "flyway_schema_history",
            "gateway_process",
            "ingest_offset",
            "licence_epoch",
            "licence_text",
            "platform_policy",
            "reply_lease",
            "tier_plan");

    @Inject
    Db db;

    @Test
    void everyTableButThePlatformsHasForcedRowSecurityAndAPolicy() throws SQLException {
        try (Connection superuser = GatewayTestResource.get().superuser()) {
            List<String> open = unprotected(superuser);

            assertThat(open).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE TABLE leaky (tenant_id text)",
                "CREATE TABLE leaky (tenant_id text); ALTER TABLE leaky ENABLE ROW LEVEL SECURITY",
                "CREATE TABLE leaky (tenant_id text); ALTER TABLE leaky ENABLE ROW LEVEL SECURITY; ALTER TABLE leaky FORCE ROW LEVEL SECURITY",
                "CREATE TABLE leaky (tenant_id text); ALTER TABLE leaky ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON leaky USING (true)"
            })
    void aTableThatLacksOneOfThemIsFound(String sql) throws SQLException {
        try (Connection superuser = GatewayTestResource.get().superuser();
                var statement = superuser.createStatement()) {
            superuser.setAutoCommit(false);
            statement.execute(sql);
            List<String> open = unprotected(superuser);
            superuser.rollback();

            assertThat(open).containsExactly("leaky");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tenant", "auth", "ledger", "operator"})
    void theGatewaysRolesOwnNothingAndBypassNothing(String role) throws SQLException {
        String name = GatewayTestResource.get().role(role);
        try (Connection superuser = GatewayTestResource.get().superuser()) {
            List<String> powers = strings(superuser, """
                    SELECT 'superuser' FROM pg_roles WHERE rolname = '%1$s' AND rolsuper
                    UNION ALL SELECT 'bypassrls' FROM pg_roles WHERE rolname = '%1$s' AND rolbypassrls
                    UNION ALL SELECT 'createrole' FROM pg_roles WHERE rolname = '%1$s' AND rolcreaterole
                    UNION ALL SELECT 'member of ' || b.rolname FROM pg_auth_members m
                        JOIN pg_roles a ON a.oid = m.member JOIN pg_roles b ON b.oid = m.roleid WHERE a.rolname = '%1$s'
                    UNION ALL SELECT 'owns ' || relname FROM pg_class JOIN pg_roles r ON r.oid = relowner
                        WHERE r.rolname = '%1$s' AND relpersistence <> 't'
                    UNION ALL SELECT 'creates in public' WHERE has_schema_privilege('%1$s', 'public', 'CREATE')
                    UNION ALL SELECT 'creates schemas' WHERE has_database_privilege('%1$s', current_database(), 'CREATE')
                    """.formatted(name));

            assertThat(powers).isEmpty();
        }
    }

    @Test
    void fourFunctionsAreAllThatAuthMayDo() throws SQLException {
        String auth = GatewayTestResource.get().role("auth");
        try (Connection superuser = GatewayTestResource.get().superuser()) {
            List<String> tables = strings(superuser, """
                    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
                        AND has_any_column_privilege('%1$s', oid, 'SELECT, INSERT, UPDATE, REFERENCES')
                    """.formatted(auth));
            List<String> functions = strings(superuser, """
                    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                        AND has_function_privilege('%1$s', oid, 'EXECUTE')
                    """.formatted(auth));

            assertThat(tables).isEmpty();
            assertThat(functions)
                    .containsExactlyInAnyOrder(
                            "api_key_by_prefix", "ended_api_keys", "memberships_of", "note_api_key_use");
        }
    }

    @Test
    void theLedgerRoleSeesTheUsageTablesAlone() throws SQLException {
        String ledger = GatewayTestResource.get().role("ledger");
        try (Connection superuser = GatewayTestResource.get().superuser()) {
            List<String> tables = strings(superuser, """
                    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
                        AND has_any_column_privilege('%1$s', oid, 'SELECT, INSERT, UPDATE, REFERENCES') ORDER BY 1
                    """.formatted(ledger));

            assertThat(tables)
                    .containsExactly(
                            "cost_line",
                            "dead_letter",
                            "ingest_offset",
                            "ledger_entry",
                            "price",
                            "usage_day",
                            "usage_hour",
                            "usage_month");
        }
    }

    @Test
    void aTenantsTransactionSeesItsOwnRowsAlone() {
        String mine = newTenant("mine", "community");
        String other = newTenant("other", "community");
        newKey(mine);
        newKey(other);

        List<String> tenants = db.tenant(mine, handle -> select(handle, "SELECT id FROM tenant"));
        List<String> keys = db.tenant(mine, handle -> select(handle, "SELECT DISTINCT tenant_id FROM api_key"));
        List<String> nobodys = db.platform(handle -> select(handle, "SELECT id FROM tenant"));

        assertThat(tenants).containsExactly(mine);
        assertThat(keys).containsExactly(mine);
        assertThat(nobodys).isEmpty();
    }

    @Test
    void theTenantOfOneTransactionIsGoneInTheNextOnTheSameConnection() {
        String tenant = newTenant("gone", "community");

        for (int i = 0; i < 50; i++) {
            List<String> own = db.tenant(tenant, handle -> select(handle, "SELECT id FROM tenant"));
            List<String> next = db.platform(handle -> select(handle, "SELECT id FROM tenant"));
            assertThat(own).containsExactly(tenant);
            assertThat(next).isEmpty();
        }
    }

    @Test
    void aTenantCannotWriteARowForAnother() {
        String mine = newTenant("writer", "community");
        String other = newTenant("victim", "community");

        assertThatThrownBy(() -> db.tenant(mine, handle -> handle.execute("""
                        INSERT INTO licence_decision
                            (id, tenant_id, model, licence, use, permitted, inputs, verdict, epoch, decided_at)
                        VALUES (gen_random_uuid(), ?, 'm', 'l', 'INFER', true, '{}', '{}', 1, now())""", other)))
                .hasStackTraceContaining("row-level security");
    }

    @Test
    void theStoredHashesAreNotReadableByTheServingRoles() {
        String tenant = newTenant("hash", "community");
        newKey(tenant);

        assertThatThrownBy(() -> db.tenant(tenant, handle -> select(handle, "SELECT hash::text FROM api_key")))
                .hasStackTraceContaining("permission denied");
        assertThatThrownBy(() -> db.operator(handle -> select(handle, "SELECT hash::text FROM api_key")))
                .hasStackTraceContaining("permission denied");
    }

    private static List<String> unprotected(Connection connection) throws SQLException {
        List<String> tables = strings(connection, """
                SELECT relname FROM pg_class c
                WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT (
                    relrowsecurity AND relforcerowsecurity
                    AND (relispartition OR EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)))
                ORDER BY 1""");
        tables.removeAll(PLATFORM_TABLES);
        return tables;
    }

    private static List<String> select(Handle handle, String sql) {
        return handle.createQuery(sql).mapTo(String.class).list();
    }

    private static List<String> strings(Connection connection, String sql) throws SQLException {
        List<String> out = new ArrayList<>();
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                out.add(rows.getString(1));
            }
        }
        return out;
    }
}
