package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.TestCheckpoint;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Decisions that anyone can replay. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class DecisionsTest {
    private static final String PATH = "/admin/v1/licence-decisions";
    private static final String LICENCE = "llama-3.1";

    @Inject
    LicenceGate gate;

    private String decide(String tenant, String model) {
        Caller caller = new Caller(tenant, "default", "key_test", Tier.COMMUNITY, Role.DEVELOPER, "00".repeat(32));
        return gate.explain(caller, model, LICENCE, Use.INFER).orElseThrow().decisionId();
    }

    private static String tenant(long users) {
        String tenant = newTenant("decided", "community");
        attest(tenant, users).then().statusCode(201);
        return tenant;
    }

    private static String replay(String id) {
        return PATH + "/" + id + "/replay";
    }

    @ParameterizedTest
    @CsvSource({"5, true", "812000000, false"})
    void aReplayComesToTheSame(long users, boolean permitted) {
        String id = decide(tenant(users), "llama-3.1-starter");

        as("auditor")
                .post(replay(id))
                .then()
                .statusCode(200)
                .body("equal", equalTo(true))
                .body("recorded.permitted", equalTo(permitted))
                .body("computed.permitted", equalTo(permitted));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "permitted = NOT permitted",
                "verdict = jsonb_set(verdict, '{reasons,0,message}', '\"All is well.\"')",
                "policy = '{\"code\": \"policy_made_up\", \"message\": \"x\"}'",
                "inputs = jsonb_set(inputs, '{licensee,attestations,0,figures,0,monthlyActiveUsers}', '5')",
                "tenant_id = (SELECT min(id) FROM tenant)"
            })
    void aTamperedRecordIsFoundUnequal(String change) throws SQLException {
        String id = decide(tenant(812_000_000), "llama-3.1-starter");
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement()) {
            s.execute("SET session_replication_role = replica; UPDATE licence_decision SET " + change + " WHERE id = '"
                    + id + "'");
        }

        as("officer-a").post(replay(id)).then().statusCode(200).body("equal", equalTo(false));
    }

    private static void register(String id, Map<String, String> model) {
        TestCheckpoint.write(GatewayTestResource.get().models(), id);
        as("admin").body(model).post("/admin/v1/models").then().statusCode(201);
    }

    @Test
    void aDerivedModelsDecisionHoldsItsWholeLineageAndItsParentsDuties() {
        String base = AdminApi.newId("base");
        String derived = AdminApi.newId("Llama-derived");
        register(base, Map.of("id", base, "licence", "llama-3"));
        register(derived, Map.of("id", derived, "licence", LICENCE, "base_model", base));
        String tenant = tenant(5);

        String id = decide(tenant, derived);

        as("auditor")
                .get(PATH + "/" + id)
                .then()
                .statusCode(200)
                .body("inputs.lineage.id", containsInAnyOrder(base, derived))
                // Llama 3 is not accepted: its own attestation and acceptance are asked for.
                .body("verdict.reasons.licence", hasItem("llama-3"));
        as("auditor").post(replay(id)).then().body("equal", equalTo(true));
    }

    @Test
    void theListIsFilteredAndPaged() {
        String tenant = tenant(5);
        String other = tenant(812_000_000);
        String first = decide(tenant, "llama-a");
        Instant between = Instant.now();
        String second = decide(tenant, "llama-b");
        String third = decide(tenant, "llama-c");
        String refused = decide(other, "llama-a");

        as("auditor")
                .get(PATH + "?limit=2&tenant=" + tenant)
                .then()
                .statusCode(200)
                .body("data.id", contains(third, second))
                .body("has_more", equalTo(true))
                .body("last_id", equalTo(second))
                .body("data[0].inputs", nullValue());
        as("auditor")
                .get(PATH + "?limit=2&tenant=" + tenant + "&after=" + second)
                .then()
                .body("data.id", contains(first))
                .body("has_more", equalTo(false));
        as("auditor").get(PATH + "?tenant=" + tenant + "&model=llama-b").then().body("data.id", contains(second));
        as("auditor").get(PATH + "?permitted=false&tenant=" + other).then().body("data.id", contains(refused));
        as("auditor").get(PATH + "?permitted=false&tenant=" + tenant).then().body("data.size()", equalTo(0));
        as("auditor")
                .get(PATH + "?tenant=" + tenant + "&since=" + between)
                .then()
                .body("data.id", contains(third, second));
    }

    @ParameterizedTest
    @CsvSource({
        "permitted=yes, permitted",
        "since=yesterday, since",
        "since=-999999999-01-01T00:00:00Z, since",
        "limit=0, limit",
        "limit=101, limit",
        "limit=2147483648, limit"
    })
    void aBadFilterIsNamed(String query, String param) {
        as("auditor").get(PATH + "?" + query).then().statusCode(400).body("error.param", equalTo(param));
    }

    @Test
    void onlyThePlatformsPeopleLook() {
        String id = decide(tenant(5), "llama-3.1-starter");
        String key = AdminApi.newKey(newTenant("curious", "community")).text();

        given().get(PATH).then().statusCode(401);
        given().header("Authorization", "Bearer " + key).get(PATH).then().statusCode(401);
        given().header("Authorization", "Bearer " + key).post(replay(id)).then().statusCode(401);
        as("auditor").get(PATH + "/00000000-0000-0000-0000-000000000000").then().statusCode(404);
        as("auditor").get(PATH + "/x").then().statusCode(404);
        assertThat(id).isNotBlank();
    }
}
