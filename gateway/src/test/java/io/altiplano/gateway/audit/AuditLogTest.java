package io.altiplano.gateway.audit;

import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.AdminApi.Key;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.People;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AuditLogTest {
    @Inject
    AuditLog audit;

    @Inject
    Db db;

    @Test
    void everyAdminChangeLeavesARowThatNamesWhoAndWhat() {
        String tenant = newTenant("audited", "community");
        Key key = newKey(tenant);

        List<AuditRow> rows = rowsOf(tenant);

        assertThat(rows).extracting(AuditRow::action).containsExactly("tenant.create", "api_key.create");
        assertThat(rows).extracting(AuditRow::actor).containsOnly("admin");
        assertThat(rows.getLast().subject()).isEqualTo(key.id());
        assertThat(rows.getLast().detail()).doesNotContain(key.text());
    }

    @Test
    void aRowNamesThePersonByTheSubjectOfTheToken() {
        String id = newId("named");
        People.person("sub-of-" + id, "platform-admin")
                .body(Map.of("id", id, "name", "Named", "tier", "community"))
                .post("/admin/v1/tenants")
                .then()
                .statusCode(201);

        List<AuditRow> rows = rowsOf(id);

        assertThat(rows).isNotEmpty().allMatch(row -> row.version() == 2);
        assertThat(rows.getFirst().actorSubject()).isEqualTo("sub-of-" + id);
    }

    @Test
    void aPersonWhoseSubjectIsThatOfAPartOfThePlatformIsNotLetIn() {
        People.person("system:licence", "platform-admin")
                .body(Map.of("id", newId("posing"), "name", "Posing", "tier", "community"))
                .post("/admin/v1/tenants")
                .then()
                .statusCode(401);
    }

    @Test
    void theChainAsTheDatabaseMadeItIsTheChainAsWeComputeIt() {
        newTenant("chained", "community");
        db.operator(handle -> {
            audit.append(
                    handle,
                    AuditEntry.by(
                            new Person("system:test", "system:test"),
                            "test.unicode",
                            null,
                            "Ñandú, 羊驼 🦙",
                            Map.of("k", "ä,:")));
            return true;
        });

        Optional<AuditFault> fault = audit.verify();

        assertThat(fault).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "edited    | UPDATE audit_log SET detail = '{\"x\":1}' WHERE seq = 1",
                "restamped | UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 1",
                "renamed   | UPDATE audit_log SET actor = 'someone' WHERE seq = 1",
                "another's | UPDATE audit_log SET actor_subject = 'someone' WHERE seq = 1",
                "older     | UPDATE audit_log SET version = 1, actor_subject = '' WHERE seq = 2",
                "nobody's  | ALTER TABLE audit_log DROP CONSTRAINT platform_is_null; UPDATE audit_log SET tenant_id = '' WHERE seq = (SELECT min(seq) FROM audit_log WHERE tenant_id IS NULL)",
                "deleted   | DELETE FROM audit_log WHERE seq = 1",
                "cut       | DELETE FROM audit_log WHERE seq = (SELECT max(seq) FROM audit_log)",
                "inserted  | INSERT INTO audit_log SELECT max(seq) + 1, now(), 'a', 'b', null, 'c', '{}', '\\x00', '\\x00' FROM audit_log",
                "reordered | UPDATE audit_log SET seq = -seq WHERE seq <= 2; UPDATE audit_log SET seq = seq + 3 WHERE seq < 0"
            })
    void whatTheOwnerOfTheServerDoesToItsRowsIsDetected(String what, String tampering) throws SQLException {
        newTenant("tampered", "community");
        newTenant("tampered", "community");

        Optional<AuditFault> fault;
        try (var superuser = GatewayTestResource.get().superuser();
                var statement = superuser.createStatement()) {
            superuser.setAutoCommit(false);
            statement.execute("SET LOCAL session_replication_role = replica");
            statement.execute(tampering);
            fault = new AuditedCopy(superuser).verify();
            superuser.rollback();
        }

        assertThat(fault).as(what).isPresent();
        assertThat(audit.verify()).as("rolled back").isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE audit_log SET actor = 'x'",
                "DELETE FROM audit_log",
                "TRUNCATE audit_log",
                "DELETE FROM audit_head"
            })
    void evenTheOwnerOfTheTableIsRefusedAChange(String sql) throws SQLException {
        try (var owner = GatewayTestResource.get().as("owner");
                var statement = owner.createStatement()) {
            assertThatThrownBy(() -> statement.execute(sql)).hasMessageContaining("append-only");
        }
    }

    @Test
    void anOperatorsChangeWithoutAnAuditRowDoesNotCommit() {
        String tenant = newTenant("silent", "community");

        assertThatThrownBy(() -> db.operator(
                        handle -> handle.execute("UPDATE tenant SET name = 'quietly changed' WHERE id = ?", tenant)))
                .hasStackTraceContaining("without an audit row");

        String name = db.operator(handle -> handle.createQuery("SELECT name FROM tenant WHERE id = :id")
                .bind("id", tenant)
                .mapTo(String.class)
                .one());
        assertThat(name).isEqualTo("Tenant " + tenant);
    }

    @Test
    void anActMayChangeALicenceFactBehindItsRowWhileAnotherChangesOneBeforeItsOwn() throws Exception {
        String first = newTenant("first", "community");
        String second = newTenant("second", "community");

        try (var executor = Executors.newSingleThreadExecutor()) {
            Future<Boolean> other = db.operator(handle -> {
                append(handle, first);
                Future<Boolean> started = executor.submit(() -> db.operator(h -> {
                    h.execute("UPDATE tenant SET domicile = 'CL' WHERE id = ?", second);
                    append(h, second);
                    return true;
                }));
                // Until the other waits for this one: for the epoch, which this one has, and not for the chain alone.
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
                handle.execute("UPDATE tenant SET domicile = 'CL' WHERE id = ?", first);
                return started;
            });

            assertThat(other.get()).isTrue();
        }
        assertThat(rowsOf(first)).extracting(AuditRow::action).contains("test.act");
        assertThat(rowsOf(second)).extracting(AuditRow::action).contains("test.act");
    }

    @Test
    void whoStandsStillWithTheChainLosesItsTransactionAndHoldsUpNobodyForLong() {
        String tenant = newTenant("still", "community");
        long begun = System.nanoTime();

        assertThatThrownBy(() -> db.operator(handle -> {
                    append(handle, tenant);
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(3000));
                    return append(handle, tenant);
                }))
                .isInstanceOf(DatabaseUnavailableException.class);
        boolean next = db.operator(handle -> append(handle, tenant));

        assertThat(next).isTrue();
        assertThat(System.nanoTime() - begun).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(1000));
        assertThat(rowsOf(tenant).stream().filter(row -> row.action().equals("test.act")))
                .hasSize(1);
    }

    private boolean append(Handle operator, String tenant) {
        audit.append(
                operator,
                AuditEntry.by(new Person("system:test", "system:test"), "test.act", tenant, tenant, Map.of()));
        return true;
    }

    private List<AuditRow> rowsOf(String tenant) {
        return audit.after(0, 100_000).stream()
                .filter(row -> tenant.equals(row.tenantId()))
                .toList();
    }
}
