package io.altiplano.gateway.tenant;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class TiersTest {
    @Inject
    Db db;

    @Test
    void everyMoveIsAnEventWithItsPersonAndReason() {
        String tenant = newTenant("moved", "evaluation");

        move("admin", tenant, "partner", "contract 17").then().statusCode(200).body("tier", equalTo("partner"));
        move("officer-a", tenant, "community", "contract ended").then().statusCode(200);

        as("auditor")
                .get("/admin/v1/tenants/" + tenant + "/tier-events")
                .then()
                .statusCode(200)
                .body("data.from_tier", equalTo(List.of("evaluation", "partner")))
                .body("data.to_tier", equalTo(List.of("partner", "community")))
                .body("data.actor", equalTo(List.of("admin", "officer-a")))
                .body("data.reason", equalTo(List.of("contract 17", "contract ended")));
    }

    @Test
    void suspensionIsAtOnceAndItsEndNeedsTwoPersons() {
        String tenant = newTenant("suspended", "partner");
        as("officer-a")
                .body(Map.of("reason", "spam reported"))
                .post("/admin/v1/tenants/" + tenant + "/suspend")
                .then()
                .statusCode(200)
                .body("tier", equalTo("suspended"));

        move("officer-a", tenant, "community", "never mind")
                .then()
                .statusCode(409)
                .body("error.code", equalTo("tenant_suspended"));
        Response proposed = as("officer-a")
                .body(Map.of("reason", "it was a mistake"))
                .post("/admin/v1/tenants/" + tenant + "/reinstate");
        proposed.then().statusCode(202).body("tier", equalTo("suspended"));
        approve("officer-a", proposed).then().statusCode(403).body("error.code", equalTo("second_person_required"));
        assertThat(tier(tenant)).isEqualTo("suspended");
        approve("officer-b", proposed).then().statusCode(200);

        assertThat(tier(tenant)).isEqualTo("partner");
    }

    @Test
    void theIntegratedProductTierNamesItsLicencesAndNeedsTwoPersons() {
        String tenant = newTenant("product", "community");
        Response proposed = as("officer-a")
                .body(Map.of(
                        "tier", "integrated-product", "licences", List.of("llama-3.1"), "reason", "inside a phone"))
                .post("/admin/v1/tenants/" + tenant + "/tier");
        proposed.then().statusCode(202).body("tier", equalTo("community"));

        approve("officer-a", proposed).then().statusCode(403);
        approve("officer-b", proposed).then().statusCode(200);

        assertThat(tier(tenant)).isEqualTo("integrated-product");
        assertThat(db.<List<String>>operator(handle -> handle.createQuery(
                                "SELECT licence FROM integrated_product WHERE tenant_id = :t AND ended_at IS NULL")
                        .bind("t", tenant)
                        .mapTo(String.class)
                        .list()))
                .containsExactly("llama-3.1");
    }

    @Test
    void aMoveInBetweenVoidsTheProposal() {
        String tenant = newTenant("between", "community");
        Response proposed = as("officer-a")
                .body(Map.of(
                        "tier", "integrated-product", "licences", List.of("llama-3.1"), "reason", "inside a phone"))
                .post("/admin/v1/tenants/" + tenant + "/tier");
        move("admin", tenant, "partner", "contract 18").then().statusCode(200);

        approve("officer-b", proposed).then().statusCode(409).body("error.code", equalTo("content_changed"));

        assertThat(tier(tenant)).isEqualTo("partner");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"tier\":\"licensed\",\"reason\":\"x\"} | 409 | grant_required",
                "{\"tier\":\"community\",\"reason\":\"x\"} | 409 | tier_unchanged",
                "{\"tier\":\"suspended\",\"reason\":\"x\"} | 400 | invalid_value",
                "{\"tier\":\"gold\",\"reason\":\"x\"} | 400 | invalid_value",
                "{\"tier\":\"partner\"} | 400 | missing_field",
                "{\"tier\":\"partner\",\"reason\":\"x\",\"licences\":[\"llama-3.1\"]} | 400 | invalid_value",
                "{\"tier\":\"integrated-product\",\"reason\":\"x\"} | 400 | invalid_value",
                "{\"tier\":\"integrated-product\",\"reason\":\"x\",\"licences\":[\"gpl\"]} | 400 | invalid_value"
            })
    void aMoveThatCannotBeIsRefused(String body, int status, String code) {
        String tenant = newTenant("stays", "community");

        Response answer = as("officer-a").body(body).post("/admin/v1/tenants/" + tenant + "/tier");

        answer.then().statusCode(status).body("error.code", equalTo(code));
        assertThat(tier(tenant)).isEqualTo("community");
    }

    @Test
    void theDatabaseRefusesAMoveWithoutItsEventOrItsTwoPersons() {
        String tenant = newTenant("forged", "community");
        String event = "INSERT INTO tier_event (tenant_id, from_tier, to_tier, actor, actor_name, reason)"
                + " VALUES (?, 'COMMUNITY', ?, 'x', 'x', 'x')";
        String audit = "INSERT INTO audit_log (actor, action, tenant_id, subject, detail)"
                + " VALUES ('test', 'tenant.tier', ?, ?, '{}')";

        assertThatThrownBy(() -> db.operator(handle -> {
                    handle.execute(audit, tenant, tenant);
                    return handle.execute("UPDATE tenant SET tier = 'PARTNER' WHERE id = ?", tenant);
                }))
                .hasStackTraceContaining("has no event");
        assertThatThrownBy(() -> db.operator(handle -> {
                    handle.execute(audit, tenant, tenant);
                    handle.execute(event, tenant, "INTEGRATED_PRODUCT");
                    return handle.execute("UPDATE tenant SET tier = 'INTEGRATED_PRODUCT' WHERE id = ?", tenant);
                }))
                .hasStackTraceContaining("approval of two persons");
        // The control: with its event a move that one person may make goes through.
        db.<Integer>operator(handle -> {
            handle.execute(audit, tenant, tenant);
            handle.execute(event, tenant, "PARTNER");
            return handle.execute("UPDATE tenant SET tier = 'PARTNER' WHERE id = ?", tenant);
        });
        assertThat(tier(tenant)).isEqualTo("partner");
    }

    @Test
    void aTiersPlanIsEffectiveDatedAndItsPastStays() {
        String from = "2099-01-01T00:00:00Z";
        Map<String, Object> plan = Map.ofEntries(
                Map.entry("tier", "evaluation"),
                Map.entry("effective_from", from),
                Map.entry("uses", List.of("infer", "derive")),
                Map.entry("requests_per_minute", 7),
                Map.entry("tokens_per_minute", 8),
                Map.entry("concurrent", 9),
                Map.entry("tokens_per_month", 10),
                Map.entry("max_tokens", 12),
                Map.entry("default_max_tokens", 11),
                Map.entry("weight", 13),
                Map.entry("batch", true));

        as("officer-a").body(plan).post("/admin/v1/tiers").then().statusCode(403);
        as("admin").body(plan).post("/admin/v1/tiers").then().statusCode(201).body("models", nullValue());
        as("admin")
                .body(plan)
                .post("/admin/v1/tiers")
                .then()
                .statusCode(409)
                .body("error.code", equalTo("tier_plan_exists"));

        as("auditor")
                .get("/admin/v1/tiers")
                .then()
                .statusCode(200)
                .body(
                        "data.findAll { it.tier == 'evaluation' }.effective_from",
                        equalTo(List.of("2024-01-01T00:00:00Z", from)))
                .body("data.find { it.effective_from == '" + from + "' }.uses", equalTo(List.of("infer", "derive")))
                .body("data.tier", hasItem("suspended"));
        assertThatThrownBy(() -> db.operator(handle -> handle.execute("UPDATE tier_plan SET weight = 1")))
                .hasStackTraceContaining("permission denied");
    }

    private static Response move(String user, String tenant, String tier, String reason) {
        return as(user).body(Map.of("tier", tier, "reason", reason)).post("/admin/v1/tenants/" + tenant + "/tier");
    }

    private static Response approve(String user, Response proposed) {
        return as(user).body(Map.of("content_hash", proposed.path("content_hash")))
                .post("/admin/v1/approvals/" + proposed.path("approval") + "/approve");
    }

    private static String tier(String tenant) {
        return as("auditor").get("/admin/v1/tenants/" + tenant).path("tier");
    }
}
