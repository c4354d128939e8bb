package io.altiplano.gateway.web;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class BrowserSafetyTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/console",
                "/openapi.json",
                "/v1/models",
                "/v1/organization",
                "/admin/v1/tenants",
                "/nowhere"
            })
    void everyAnswerTellsBrowsersNotToGuessEmbedOrKeepIt(String path) {
        Response answer = given().get(path);

        assertThat(answer.headers().getValues("X-Content-Type-Options")).containsExactly("nosniff");
        assertThat(answer.headers().getValues("X-Frame-Options")).containsExactly("DENY");
        assertThat(answer.headers().getValues("Referrer-Policy")).containsExactly("no-referrer");
        assertThat(answer.headers().getValues("Cross-Origin-Resource-Policy")).containsExactly("same-origin");
        assertThat(answer.headers().getValues("Cache-Control")).hasSize(1);
        assertThat(answer.headers().getValues("Content-Security-Policy"))
                .singleElement()
                .satisfies(policy -> assertThat(policy)
                        .contains("default-src 'none'")
                        .contains("frame-ancestors 'none'")
                        .doesNotContain("script-src"));
    }

    @Test
    void aStreamIsAsSafeAndKeepsItsOwnCacheHeader() {
        Served.model();
        Response refused = given().header("Authorization", "Bearer junk")
                .body(Served.chat(true))
                .post("/v1/chat/completions");

        assertThat(refused.statusCode()).isEqualTo(401);
        assertThat(refused.header("X-Content-Type-Options")).isEqualTo("nosniff");
    }

    @Test
    void noOtherOriginIsLetIn() {
        Response preflight = given().header("Origin", "https://evil.example")
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type")
                .options("/v1/organization");
        Response simple = given().header("Origin", "https://evil.example").get("/v1/models");

        for (Response answer : List.of(preflight, simple)) {
            assertThat(answer.headers().asList())
                    .noneMatch(
                            h -> h.getName().toLowerCase(java.util.Locale.ROOT).startsWith("access-control-allow"));
        }
    }

    @Test
    void aFormOfAnotherSiteWithCookiesChangesNothing() {
        String id = newId("forged");
        String token = GatewayTestResource.get().infra().token("admin");

        Response form = given().header("Origin", "https://evil.example")
                .cookie("q_session", token)
                .cookie("Authorization", "Bearer " + token)
                .contentType("text/plain")
                .body("{\"id\":\"" + id + "\",\"name\":\"Forged\",\"tier\":\"partner\"}")
                .post("/admin/v1/tenants");
        Response withToken = as("admin")
                .contentType("text/plain")
                .body("{\"id\":\"" + id + "\",\"name\":\"Forged\",\"tier\":\"partner\"}")
                .post("/admin/v1/tenants");

        // A cookie is no credential here; and what a form can send without asking first is no JSON.
        assertThat(form.statusCode()).isEqualTo(401);
        assertThat(withToken.statusCode()).isEqualTo(415);
        assertThat(as("admin").get("/admin/v1/tenants/" + id).statusCode()).isEqualTo(404);
        // The control: the same body as JSON, with the token in the header, does it.
        as("admin")
                .body(Map.of("id", id, "name", "Not forged", "tier", "partner"))
                .post("/admin/v1/tenants")
                .then()
                .statusCode(201);
    }
}
