package io.altiplano.gateway.audit;

import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * No endpoint changes anything without an audit row. Endpoints write as the operator's role, or as the tenant's; so it is enough
 * that each table that one of them can change either does not let a transaction commit that left no row, or is known here, with why
 * its changes are nobody's act. The catalogue says which tables those are: a new one is found by itself.
 */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class EveryActIsAuditedTest {
    /** What the operator's role changes and is not an act. */
    private static final List<String> OPERATORS_OTHER = List.of(
            // The log itself.
            "audit_log",
            // By its SHA-256, beside a model, whose registration is audited; without the model nothing refers to it.
            "licence_text",
            // When a withdrawal was sent: its decision is audited as a verdict.
            "right_withdrawal",
            // Corrections alone, each audited by a trigger of its own (below), and what follows from them.
            "ledger_entry",
            "cost_line",
            "usage_hour",
            "usage_day",
            "usage_month",
            // Who takes over a dead gateway's requests, and their end after a day: nobody's act.
            "idempotent_request");

    /** What the tenant's role changes: the gateway's own doing while it serves. */
    private static final List<String> TENANTS = List.of(
            // Audited by a trigger of its own: VerdictAuditTest.
            "licence_decision",
            "licence_standing",
            "gateway_process",
            "reply_lease",
            "right_withdrawal",
            // An estimate, in which nobody can be found again.
            "end_user_sketch",
            // What requests take of limits and give back.
            "limit_use",
            "reservation",
            // Raised by use, by nobody's act.
            "limit_alert",
            // A request with a key, until its answer is a day old.
            "idempotent_request");

    @Inject
    Db db;

    @Test
    void everyTableThatTheOperatorChangesDemandsAnAuditRow() throws SQLException {
        try (Connection superuser = GatewayTestResource.get().superuser()) {
            List<String> audited = strings(superuser, changedBy("operator", true));
            List<String> silent = strings(superuser, changedBy("operator", false));

            assertThat(audited)
                    .contains("tenant", "project", "member", "api_key", "model", "licence_grant", "approval");
            assertThat(audited).hasSizeGreaterThan(15);
            assertThat(silent).containsExactlyInAnyOrderElementsOf(OPERATORS_OTHER);
            assertThat(strings(superuser, """
                    SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'ledger_entry'::regclass
                        AND tgfoid = 'require_audit'::regproc AND tgenabled = 'O' AND tginitdeferred"""))
                    .singleElement()
                    .asString()
                    .contains("AFTER INSERT", "WHEN ((new.line > 0))");
        }
    }

    @Test
    void whatTheTenantsRoleChangesIsTheGatewaysOwnDoing() throws SQLException {
        try (Connection superuser = GatewayTestResource.get().superuser()) {
            assertThat(strings(superuser, changedBy("tenant", false))).containsExactlyInAnyOrderElementsOf(TENANTS);
            assertThat(strings(superuser, """
                    SELECT tgrelid::regclass::text FROM pg_trigger
                    WHERE tgname = 'audit_verdict' AND tgenabled = 'O' AND tgdeferrable AND tginitdeferred""")).containsExactly("licence_decision");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TABLE planted (x int); GRANT INSERT ON planted TO \"%s\"",
                "CREATE TABLE planted (x int); GRANT DELETE ON planted TO \"%s\"",
                "CREATE TABLE planted (x int, y int); GRANT UPDATE (y) ON planted TO \"%s\"",
                // A trigger that is off, that is late for deletions, or that asks nothing.
                "CREATE TABLE planted (x int); GRANT INSERT ON planted TO \"%s\"; CALL audit_changes('planted');"
                        + " ALTER TABLE planted DISABLE TRIGGER audited",
                "CREATE TABLE planted (x int); GRANT INSERT ON planted TO \"%s\"; CREATE CONSTRAINT TRIGGER audited"
                        + " AFTER INSERT OR UPDATE ON planted DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                        + " EXECUTE FUNCTION require_audit()",
                "CREATE TABLE planted (x int); GRANT INSERT ON planted TO \"%s\"; CREATE TRIGGER audited"
                        + " BEFORE INSERT OR UPDATE OR DELETE ON planted FOR EACH ROW EXECUTE FUNCTION keep_registration()"
            })
    void aTableThatChangesInSilenceIsFound(String sql) throws SQLException {
        String operator = GatewayTestResource.get().role("operator");
        try (Connection superuser = GatewayTestResource.get().superuser();
                var statement = superuser.createStatement()) {
            superuser.setAutoCommit(false);
            statement.execute(sql.formatted(operator));
            List<String> silent = strings(superuser, changedBy("operator", false));
            superuser.rollback();

            assertThat(silent).contains("planted");
        }
    }

    @Test
    void noRoleOfTheGatewayMayDisableTheTriggersOrRunAsTheOwner() throws SQLException {
        try (Connection superuser = GatewayTestResource.get().superuser()) {
            // Functions that write as the owner: each is known, with what it writes.
            List<String> writers = strings(superuser, """
                    SELECT p.proname FROM pg_proc p
                    WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND (
                        has_function_privilege('%1$s', p.oid, 'EXECUTE') OR has_function_privilege('%2$s', p.oid, 'EXECUTE'))
                        AND p.prosrc ~* '\\m(INSERT|UPDATE|DELETE)\\M'
                    """.formatted(
                            GatewayTestResource.get().role("operator"),
                            GatewayTestResource.get().role("tenant")));

            // A row lock ("FOR UPDATE"), and the epoch.
            assertThat(writers).containsExactlyInAnyOrder("lock_licence_epoch", "next_licence_epoch");
        }
    }

    @Test
    void aChangeOfEachOfTheFirstTablesWithoutARowIsRefused() {
        String tenant = newTenant("silent", "community");
        for (String sql : List.of(
                "INSERT INTO project (tenant_id, id, name) VALUES ('%s', 'quiet', 'Quiet')",
                "INSERT INTO member (tenant_id, subject, role) VALUES ('%s', 'quiet', 'OWNER')",
                "INSERT INTO product (id, tenant_id, name) VALUES ('prd_quiet', '%s', 'Quiet')",
                "UPDATE tenant SET domicile = 'CL' WHERE id = '%s'")) {
            assertThatThrownBy(() -> db.operator(handle -> handle.execute(sql.formatted(tenant))))
                    .hasStackTraceContaining("without an audit row");
        }
    }

    /** Tables that a role can change, with the trigger that demands an audit row of every change, or without it. */
    private static String changedBy(String role, boolean audited) {
        // tgtype: 1 a row, 2 before, 4 insert, 8 delete, 16 update.
        return """
                SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND (
                    has_table_privilege('%1$s', c.oid, 'DELETE') OR has_table_privilege('%1$s', c.oid, 'TRUNCATE')
                    OR has_any_column_privilege('%1$s', c.oid, 'INSERT, UPDATE'))
                    AND %2$s EXISTS (
                        SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'require_audit'::regproc
                            AND t.tgtype = 1 + 4 + 8 + 16 AND t.tgenabled = 'O' AND t.tginitdeferred AND t.tgqual IS NULL)
                ORDER BY 1""".formatted(GatewayTestResource.get().role(role), audited ? "" : "NOT");
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
