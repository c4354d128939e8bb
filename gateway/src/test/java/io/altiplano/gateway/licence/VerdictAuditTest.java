package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Which verdicts leave a row in the audit log. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class VerdictAuditTest {
    private static final String MODEL = "llama-3.1-starter";
    private static final String LICENCE = "llama-3.1";

    @Inject
    LicenceGate gate;

    @Inject
    LicenceEngine engine;

    @Inject
    ObjectMapper json;

    @Inject
    Db db;

    @Inject
    EpochWatch watch;

    @Inject
    Alarm alarm;

    @Inject
    Clock clock;

    @Inject
    AuditLog audit;

    @Test
    void denialsAndTheFirstPermitBehindThemAreAuditedAndARememberedVerdictIsNot() {
        String tenant = newTenant("verdicts", "community");

        LicenceVerdict unattested = check(gate, tenant);
        attest(tenant, 5).then().statusCode(201);
        LicenceVerdict permitted = await(tenant, LicenceVerdict.Permitted.class);
        LicenceVerdict remembered = check(gate, tenant);
        LicenceVerdict elsewhere = check(another(), tenant);
        as("officer-a")
                .body(Map.of("licence", LICENCE, "cause", "clause 6"))
                .post("/admin/v1/tenants/" + tenant + "/terminations")
                .then()
                .statusCode(201);
        LicenceVerdict terminated = await(tenant, LicenceVerdict.Refused.class);

        assertThat(List.of(permitted, remembered, elsewhere)).allMatch(LicenceVerdict.Permitted.class::isInstance);
        assertThat(List.of(unattested, terminated)).allMatch(LicenceVerdict.Refused.class::isInstance);
        List<String> told = verdicts(tenant);
        assertThat(told).hasSize(3);
        assertThat(told.get(0)).contains("\"permitted\" : false", "\"ATTESTATION_REQUIRED\"", MODEL, "INFER");
        assertThat(told.get(1)).contains("\"permitted\" : true");
        assertThat(told.get(2)).contains("\"permitted\" : false", "LICENCE_TERMINATED");
        assertThat(audit.verify()).isEmpty();
    }

    @Test
    void ofGatewaysThatPermitAtOnceOneIsAudited() throws Exception {
        String tenant = newTenant("at-once", "community");
        attest(tenant, 5).then().statusCode(201);
        List<LicenceGate> gates = List.of(another(), another(), another(), another());

        try (var executor = Executors.newFixedThreadPool(4)) {
            List<Callable<LicenceVerdict>> asked = gates.stream()
                    .map(g -> (Callable<LicenceVerdict>) () -> check(g, tenant))
                    .toList();
            for (var verdict : executor.invokeAll(asked)) {
                assertThat(verdict.get()).isInstanceOf(LicenceVerdict.Permitted.class);
            }
        }

        assertThat(verdicts(tenant)).hasSize(1);
    }

    @Test
    void withoutItsRowAVerdictIsNeitherRecordedNorGivenAndARememberedOneNeedsNone() throws Exception {
        String known = newTenant("known", "community");
        String unknown = newTenant("unknown", "community");
        attest(known, 5).then().statusCode(201);
        attest(unknown, 5).then().statusCode(201);
        LicenceVerdict before = check(gate, known);

        LicenceVerdict remembered;
        LicenceVerdict computed;
        try (Connection superuser = GatewayTestResource.get().superuser();
                var statement = superuser.createStatement()) {
            superuser.setAutoCommit(false);
            statement.execute("SELECT FROM audit_head FOR UPDATE");
            remembered = check(gate, known);
            computed = check(gate, unknown);
            superuser.rollback();
        }

        assertThat(before).isInstanceOf(LicenceVerdict.Permitted.class);
        assertThat(remembered).isInstanceOf(LicenceVerdict.Permitted.class);
        assertThat(computed).isInstanceOf(LicenceVerdict.Unconfirmed.class);
        Long recorded = db.operator(
                handle -> handle.createQuery("SELECT count(*) FROM licence_decision WHERE tenant_id = :tenant")
                        .bind("tenant", unknown)
                        .mapTo(Long.class)
                        .one());
        assertThat(recorded).isZero();
        assertThat(check(gate, unknown)).isInstanceOf(LicenceVerdict.Permitted.class);
    }

    /** As another gateway's, that remembers nothing. */
    private LicenceGate another() {
        return new LicenceGate(db, watch, engine, json, clock, alarm);
    }

    private static LicenceVerdict check(LicenceGate gate, String tenant) {
        Caller caller = new Caller(tenant, "default", "key_test", Tier.COMMUNITY, Role.DEVELOPER, "00".repeat(32));
        return gate.check(caller, MODEL, LICENCE, Use.INFER);
    }

    /** The gate's verdict when it has seen what changed, which it does within a second. */
    private LicenceVerdict await(String tenant, Class<? extends LicenceVerdict> wanted) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        LicenceVerdict verdict = check(gate, tenant);
        while (!wanted.isInstance(verdict) && System.nanoTime() < until) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            verdict = check(gate, tenant);
        }
        return verdict;
    }

    private List<String> verdicts(String tenant) {
        return db.operator(handle -> handle.createQuery("""
                        SELECT detail FROM audit_log
                        WHERE tenant_id = :tenant AND action = 'licence.verdict' AND actor = 'system:licence' ORDER BY seq""")
                .bind("tenant", tenant)
                .mapTo(String.class)
                .list());
    }
}
