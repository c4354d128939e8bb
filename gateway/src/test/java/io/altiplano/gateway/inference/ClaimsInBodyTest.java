package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;

import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose a chat request is, and with what rights, is the key's to say. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ClaimsInBodyTest {
    @ParameterizedTest
    @ValueSource(strings = {"tenant", "tenant_id", "organization", "project", "tier", "role"})
    void aClaimInTheBodyIsRefusedByName(String claim) {
        String key = AdminApi.newKey(AdminApi.newTenant("claims", "community")).text();

        var answer = given().header("Authorization", "Bearer " + key)
                .contentType(ContentType.JSON)
                .body(Map.of(
                        "model", "m", claim, "partner", "messages", List.of(Map.of("role", "user", "content", "Hi"))))
                .post("/v1/chat/completions");

        answer.then().statusCode(400).body("error.param", equalTo(claim));
    }
}
