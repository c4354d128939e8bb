package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.licensing.Decision;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class LicenceGateTest {
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

    @ParameterizedTest
    @CsvSource({"acme, 1200000", "edge, 700000000"})
    void upToTheThresholdTheUseIsPermittedAndTheDecisionRecorded(String stem, long users) {
        String tenant = newTenant(stem, "community");
        attest(tenant, users).then().statusCode(201).body("monthly_active_users", equalTo((int) users));

        LicenceVerdict verdict = check(tenant);

        assertThat(verdict).isInstanceOf(LicenceVerdict.Permitted.class);
        assertThat(decisions(tenant)).containsExactly(((LicenceVerdict.Permitted) verdict).decisionId());
    }

    @Test
    void aboveTheThresholdTheReasonNamesTheClauseAndTheNextStep() {
        String tenant = newTenant("megacorp", "community");
        attest(tenant, 812_000_000);

        LicenceVerdict verdict = check(tenant);

        assertThat(verdict).isInstanceOfSatisfying(LicenceVerdict.Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo("licence_approval_required");
            assertThat(refused.message())
                    .contains("Llama 3.1 Community License")
                    .contains("clause 2")
                    .contains("Request a licence from Meta");
        });
        assertThat(decisions(tenant)).hasSize(1);
    }

    @Test
    void productsAndAffiliatesCountTogether() {
        String tenant = newTenant("group", "community");
        as("officer-a")
                .body(Map.of(
                        "licence",
                        LICENCE,
                        "products",
                        List.of(Map.of("name", "a", "monthly_active_users", 400_000_000, "month", "2024-06")),
                        "affiliates",
                        List.of(Map.of("name", "b", "monthly_active_users", 300_000_001)),
                        "signed_by",
                        "Ana Rojas"))
                .post("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .statusCode(201);

        LicenceVerdict verdict = check(tenant);

        assertThat(verdict).isInstanceOf(LicenceVerdict.Refused.class);
    }

    @Test
    void withoutAnAttestationNothingIsPermitted() {
        String tenant = newTenant("unattested", "partner");

        LicenceVerdict verdict = check(tenant);

        assertThat(verdict)
                .isInstanceOfSatisfying(
                        LicenceVerdict.Refused.class, r -> assertThat(r.code()).isEqualTo("attestation_required"));
    }

    @Test
    void aLicenceThatTheEngineDoesNotKnowIsRefused() {
        String tenant = newTenant("unknown", "community");
        attest(tenant, 1);

        LicenceVerdict verdict = gate.check(caller(tenant), MODEL, "made-up-1.0", Use.INFER);

        assertThat(verdict)
                .isInstanceOfSatisfying(
                        LicenceVerdict.Refused.class, r -> assertThat(r.code()).isEqualTo("unknown_licence"));
    }

    @Test
    void aRepeatedQuestionIsNotDecidedAgainEvenWhenOthersFactsChange() {
        String tenant = newTenant("steady", "community");
        attest(tenant, 5);
        LicenceVerdict.Permitted first = (LicenceVerdict.Permitted) check(tenant);

        attest(newTenant("other", "community"), 7);
        LicenceVerdict.Permitted last = (LicenceVerdict.Permitted) within(tenant, v -> epoch(v) > first.licenceEpoch());

        assertThat(last.decisionId()).isEqualTo(first.decisionId());
        assertThat(decisions(tenant)).hasSize(1);
    }

    @Test
    void metasGrantAndItsEndTakeEffectWithinASecond() {
        String tenant = newTenant("granted", "community");
        attest(tenant, 812_000_000);
        assertThat(check(tenant)).isInstanceOf(LicenceVerdict.Refused.class);

        Response grant = AdminApi.grant(tenant, "officer-a");
        grant.then().statusCode(202).body("state", equalTo("recorded"));
        assertThat(check(tenant)).isInstanceOf(LicenceVerdict.Refused.class);
        AdminApi.approve("officer-b", grant).then().statusCode(200);
        within(tenant, LicenceVerdict.Permitted.class::isInstance);

        as("officer-a")
                .body(Map.of("reason", "Meta took it back"))
                .post("/admin/v1/tenants/" + tenant + "/licence-grants/" + grant.path("id") + "/revoke")
                .then()
                .statusCode(200)
                .body("state", equalTo("revoked"));
        within(tenant, LicenceVerdict.Refused.class::isInstance);

        assertThat(decisions(tenant)).hasSize(3);
    }

    @Test
    void aRecordedDecisionCanBeDecidedAgainFromItsInputs() throws Exception {
        String tenant = newTenant("replayed", "community");
        attest(tenant, 812_000_000);
        check(tenant);
        List<String> recorded = db.tenant(
                tenant,
                handle -> handle.createQuery("SELECT inputs::text || chr(30) || verdict::text FROM licence_decision")
                        .mapTo(String.class)
                        .list());
        String[] row = recorded.getFirst().split("\u001e", 2);

        Decision again =
                engine.decide(json.readValue(row[0], DecisionInputs.class).toRequest());

        assertThat(json.valueToTree(again).equals(json.readTree(row[1]))).isTrue();
    }

    @Test
    void withTheDatabaseAwayARightIsNeitherPermittedNorRefused() {
        String tenant = newTenant("unconfirmed", "community");
        attest(tenant, 1);
        check(tenant);

        GatewayTestResource.get().postgresWire().cut();
        try {
            within(tenant, LicenceVerdict.Unconfirmed.class::isInstance);
        } finally {
            GatewayTestResource.get().postgresWire().heal();
        }

        long healed = System.nanoTime();
        while (!(check(tenant) instanceof LicenceVerdict.Permitted)) {
            assertThat(Duration.ofNanos(System.nanoTime() - healed)).isLessThan(Duration.ofSeconds(10));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "llama-3.1 | 2024-05 | 5 | products[0].month | 2024-06",
                "llama-9 | 2024-06 | 5 | licence | llama-3.1",
                "llama-3.1 | 2024-06 | -1 | products[0].monthly_active_users | whole number",
                "llama-3.1 | 2024-06 | 1e999 | products[0].monthly_active_users | whole number",
                "llama-3.1 | 2024-06 | 9223372036854775808 | products[0].monthly_active_users | whole number",
                "llama-3.1 | 2024-06 | \"5\" | products[0].monthly_active_users | whole number"
            })
    void aBadAttestationIsRefusedByItsField(String licence, String month, String users, String param, String message) {
        String tenant = newTenant("bad", "community");

        Response answer = as("admin")
                .body("{\"licence\":\"" + licence + "\",\"products\":[{\"name\":\"a\",\"month\":\"" + month
                        + "\",\"monthly_active_users\":" + users + "}],\"signed_by\":\"x\"}")
                .post("/admin/v1/tenants/" + tenant + "/attestations");

        answer.then()
                .statusCode(400)
                .body("error.param", equalTo(param))
                .body("error.message", containsString(message));
    }

    private LicenceVerdict check(String tenant) {
        return gate.check(caller(tenant), MODEL, LICENCE, Use.INFER);
    }

    /** The first verdict of a kind, which must come within a second. */
    private LicenceVerdict within(String tenant, Predicate<LicenceVerdict> wanted) {
        long begin = System.nanoTime();
        LicenceVerdict verdict = check(tenant);
        while (!wanted.test(verdict)) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(1));
            Thread.onSpinWait();
            verdict = check(tenant);
        }
        return verdict;
    }

    private static long epoch(LicenceVerdict verdict) {
        return verdict instanceof LicenceVerdict.Permitted permitted ? permitted.licenceEpoch() : -1;
    }

    private List<String> decisions(String tenant) {
        return db.tenant(
                tenant,
                handle -> handle.createQuery("SELECT id FROM licence_decision")
                        .mapTo(String.class)
                        .list());
    }

    private static Caller caller(String tenant) {
        return new Caller(tenant, "default", "key_test", Tier.COMMUNITY, Role.DEVELOPER, "00".repeat(32));
    }
}
