package io.altiplano.stack.journey;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;

import com.openai.errors.OpenAIException;
import com.openai.errors.PermissionDeniedException;
import io.altiplano.stack.infra.TestInfra;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** By API alone, as people would: from signing up to the first chat, and from clause 2's refusal to Meta's grant and its end. */
@Journey
class SelfServiceJourneyTest {
    @Test
    void anyoneSignsUpAttestsMakesAKeyAndChats(Platform platform) {
        // given
        String tenant = Platform.uniqueId("newcomer");
        as(platform, "acme-owner")
                .body(Map.of("id", tenant, "name", "Newcomer", "registration_number", "ZZ-" + tenant))
                .post("/v1/organization")
                .then()
                .statusCode(201)
                .body("tier", equalTo("evaluation"));
        Response key = as(platform, "acme-owner")
                .header("OpenAI-Organization", tenant)
                .body(Map.of("name", "first"))
                .post("/v1/organization/projects/default/api_keys");
        key.then().statusCode(201);
        String text = key.path("value");
        assertThat(refusal(platform, text)).contains("attestation_required");

        // when
        as(platform, "acme-owner")
                .header("OpenAI-Organization", tenant)
                .body(attestation(4_000))
                .post("/v1/organization/attestations")
                .then()
                .statusCode(201)
                .body("state", equalTo("accepted"));

        // then
        awaitPermitted(platform, text);
        as(platform, "acme-owner")
                .header("OpenAI-Organization", tenant)
                .get("/v1/organization")
                .then()
                .body("tier", equalTo("community"));
    }

    @Test
    void aMegacorpIsServedOnceTwoOfficersAgreeOnMetasGrantAndCutOffWhenItEnds(Platform platform) throws Exception {
        // given
        String tenant = Platform.uniqueId("megacorp");
        String key = platform.newTenant(tenant, 812_000_000);
        assertThat(refusal(platform, key)).contains("licence_approval_required");
        as(platform, "auditor")
                .get("/admin/v1/licence-requests?state=open&tenant=" + tenant)
                .then()
                .body("data.licence", contains("llama-3.1"));

        // when
        Response grant = as(platform, "officer-a")
                .body(Map.of(
                        "licences",
                        List.of("llama-3.1"),
                        "document",
                        "Meta's letter of 2026-01-15",
                        "document_id",
                        upload(platform, tenant),
                        "date",
                        "2026-01-15"))
                .post("/admin/v1/tenants/" + tenant + "/licence-grants");
        grant.then().statusCode(202);
        approve(platform, "officer-a", grant).then().statusCode(403);
        assertThat(refusal(platform, key)).contains("licence_approval_required");
        approve(platform, "officer-b", grant).then().statusCode(200);

        // then
        awaitPermitted(platform, key);
        CompletableFuture<Throwable> running = CompletableFuture.supplyAsync(() -> catchThrowableOfType(
                OpenAIException.class,
                () -> Told.stream(Told.client(platform, key), Told.question("Hello!", 3, 4000, 4000))));
        Thread.sleep(300);
        RequestSpecification officer = as(platform, "officer-a");
        // The officer has logged in before: that is not the platform's time.
        long revoked = System.nanoTime();
        officer.body(Map.of("reason", "Meta took it back"))
                .post("/admin/v1/tenants/" + tenant + "/licence-grants/" + grant.path("id") + "/revoke")
                .then()
                .statusCode(200);
        Throwable cut = running.get(20, TimeUnit.SECONDS);
        assertThat(Duration.ofNanos(System.nanoTime() - revoked)).isLessThan(Duration.ofSeconds(2));
        assertThat(cut).isNotNull();
        assertThat(cut.getMessage()).contains("clause 2");
        assertThat(refusal(platform, key)).contains("licence_approval_required");
    }

    private static RequestSpecification as(Platform platform, String user) {
        return given().baseUri(platform.gatewayUrl())
                .header("authorization", "Bearer " + TestInfra.token(user))
                .contentType(ContentType.JSON);
    }

    private static Map<String, Object> attestation(long users) {
        return Map.of(
                "licence",
                "llama-3.1",
                "products",
                List.of(Map.of("name", "app", "monthly_active_users", users, "month", "2024-06")),
                "signed_by",
                "Ana Rojas");
    }

    private static String upload(Platform platform, String tenant) {
        return as(platform, "officer-a")
                .contentType("application/pdf")
                .body("Meta grants a licence.".getBytes(StandardCharsets.UTF_8))
                .post("/admin/v1/tenants/" + tenant + "/documents?name=letter.pdf")
                .then()
                .statusCode(201)
                .extract()
                .path("id");
    }

    private static Response approve(Platform platform, String officer, Response proposed) {
        return as(platform, officer)
                .body(Map.of("content_hash", proposed.path("content_hash")))
                .post("/admin/v1/approvals/" + proposed.path("approval") + "/approve");
    }

    private static String refusal(Platform platform, String key) {
        PermissionDeniedException refusal = catchThrowableOfType(
                PermissionDeniedException.class,
                () -> Told.ask(Told.client(platform, key), Told.question("Hello!", 3, 1, 8)));
        return refusal == null ? "" : refusal.code().orElse("");
    }

    /** No request that begins two seconds after the fact is refused, however long its answer takes. */
    private static void awaitPermitted(Platform platform, String key) {
        long begun = System.nanoTime();
        long asked = begun;
        while (!refusal(platform, key).isEmpty()) {
            assertThat(Duration.ofNanos(asked - begun)).isLessThan(Duration.ofSeconds(2));
            asked = System.nanoTime();
        }
    }
}
