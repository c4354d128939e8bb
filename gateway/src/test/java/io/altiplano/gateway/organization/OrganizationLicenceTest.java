package io.altiplano.gateway.organization;

import static io.altiplano.gateway.testing.AdminApi.approve;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newNumber;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.person;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.People;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class OrganizationLicenceTest {
    @Test
    void anOwnersFirstFigureIsAcceptedByItselfAndOpensTheCommunityTier() {
        String tenant = newTenant("self", "evaluation");
        People.join(tenant, tenant, "owner");

        own(tenant)
                .body(body(5))
                .post("/v1/organization/attestations")
                .then()
                .statusCode(201)
                .body("state", equalTo("accepted"));

        own(tenant).get("/v1/organization").then().body("tier", equalTo("community"));
        own(tenant).get("/v1/organization/attestations").then().body("data.monthly_active_users", contains(5));
        own(tenant).get("/v1/organization/licence_requests").then().body("data", empty());
    }

    @Test
    void aDoubtfulFigureOfATenantNeedsTwoOfficersAndNotOne() {
        String tenant = newTenant("fallen", "community");
        People.join(tenant, tenant, "owner");
        own(tenant)
                .body(body(812_000_000))
                .post("/v1/organization/attestations")
                .then()
                .statusCode(201);
        own(tenant).get("/v1/organization/licence_requests").then().body("data.state", contains("open"));

        Response waiting = own(tenant).body(body(5)).post("/v1/organization/attestations");

        waiting.then()
                .statusCode(202)
                .body("doubts", contains(containsString("would fall")))
                .body("approval", nullValue());
        String path = "/admin/v1/tenants/" + tenant + "/attestations/" + waiting.path("id");
        Response proposed = as("officer-a").post(path + "/propose");
        proposed.then().statusCode(202);
        approve("officer-a", proposed).then().statusCode(403);
        approve("officer-b", proposed).then().statusCode(200);
        own(tenant).get("/v1/organization/licence_requests").then().body("data.state", contains("closed"));
    }

    @Test
    void anOfficerWhoIsAMemberDecidesNothingAboutTheTenant() {
        String tenant = newTenant("insider", "community");
        String insider = "insider-" + tenant;
        People.join(tenant, insider, "viewer");
        as("officer-a")
                .body(body(812_000_000))
                .post("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .statusCode(201);
        Response proposed = as("officer-a").body(body(5)).post("/admin/v1/tenants/" + tenant + "/attestations");

        person(insider, "licence-officer")
                .body(Map.of("content_hash", proposed.path("content_hash")))
                .post("/admin/v1/approvals/" + proposed.path("approval") + "/approve")
                .then()
                .statusCode(403)
                .body("error.code", equalTo("member_of_tenant"));
        person(insider, "licence-officer")
                .body(body(5))
                .post("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .statusCode(403);
    }

    @Test
    void anOwnerDeclaresAffiliatesAndCannotTakeThemOut() {
        String tenant = newTenant("group", "community");
        People.join(tenant, tenant, "owner");
        Map<String, String> affiliate = Map.of("name", "Sub", "registration_number", newNumber());

        own(tenant).body(affiliate).post("/v1/organization/affiliates").then().statusCode(201);
        Response again = own(tenant).body(affiliate).post("/v1/organization/affiliates");

        again.then().statusCode(200);
        own(tenant).get("/v1/organization/affiliates").then().body("data.name", contains("Sub"));
        own(tenant)
                .body(Map.of("reason", "sold"))
                .post("/admin/v1/tenants/" + tenant + "/affiliates/" + again.path("id") + "/removal")
                .then()
                .statusCode(403);
    }

    @Test
    void anOwnersEvidenceIsNamedByItsAttestationAndNoOtherTenantsFile() {
        String tenant = newTenant("evidence", "community");
        String other = newTenant("evidence-other", "community");
        People.join(tenant, tenant, "owner");
        People.join(other, other, "owner");
        Response uploaded = own(tenant)
                .contentType("text/html")
                .body("<script>alert(1)</script>".getBytes(StandardCharsets.UTF_8))
                .post("/v1/organization/documents?name=figures.html");
        uploaded.then().statusCode(201).body("bytes", equalTo(25));
        String id = uploaded.path("id");

        Map<String, Object> attestation = new HashMap<>(body(5));
        attestation.put("document", id);
        own(tenant)
                .body(attestation)
                .post("/v1/organization/attestations")
                .then()
                .statusCode(201);
        own(other)
                .body(attestation)
                .post("/v1/organization/attestations")
                .then()
                .statusCode(404);
        own(other).get("/v1/organization/documents/" + id).then().statusCode(404);
        own(tenant)
                .get("/v1/organization/documents/" + id)
                .then()
                .statusCode(200)
                .header("content-disposition", startsWith("attachment"))
                .header("x-content-type-options", equalTo("nosniff"))
                .contentType("application/octet-stream");
        as("officer-a").get("/admin/v1/tenants/" + tenant + "/documents").then().body("data.id", contains(id));
    }

    private static io.restassured.specification.RequestSpecification own(String tenant) {
        return person(tenant);
    }

    private static Map<String, Object> body(long users) {
        return Map.of(
                "licence",
                "llama-3.1",
                "products",
                List.of(Map.of("name", "app", "monthly_active_users", users, "month", "2024-06")),
                "signed_by",
                "Ana Rojas");
    }
}
