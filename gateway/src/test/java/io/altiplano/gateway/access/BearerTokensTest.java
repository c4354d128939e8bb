package io.altiplano.gateway.access;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;

import io.altiplano.gateway.testing.AdminApi.Key;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.SigningKeys;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokens signed by a key that the gateway trusts, so that only the claim in question decides. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class BearerTokensTest {
    private final SigningKeys keys = GatewayTestResource.get().signingKeys();
    private final String issuer = GatewayTestResource.get().infra().issuer();

    @Test
    void aTokenWithAllClaimsRightIsTakenAsSoonAsItsKeyIsPublished() {
        keys.add("rotated");

        Response answer = ask(keys.sign("rotated", claims(issuer, "altiplano", 60, "platform-admin")));

        answer.then().statusCode(200);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "another issuer      | http://127.0.0.1:1/realms/altiplano | altiplano | 60",
                "another audience    | -                                   | account   | 60",
                "expired             | -                                   | altiplano | -60"
            })
    void aTokenWithOneClaimWrongIsRefused(String what, String iss, String audience, int seconds) {
        keys.add(what);

        Response answer =
                ask(keys.sign(what, claims(iss.equals("-") ? issuer : iss, audience, seconds, "platform-admin")));

        answer.then().statusCode(401).body("error.code", equalTo("invalid_token"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "not yet valid     | \"iat\":%1$d, | \"iat\":%1$d,\"nbf\":4102444800,",
                "without an end    | \"exp\":%2$d, | ",
                "of no issuer      | \"iss\":\"%3$s\", | ",
                "for no audience   | \"aud\":\"altiplano\", | "
            })
    void aTokenWithAClaimMoreOrLessIsRefusedAndWithoutThatTaken(String what, String part, @Nullable String instead) {
        keys.add(what);
        long now = Instant.now().getEpochSecond();
        String right = """
                {"iss":"%3$s","aud":"altiplano","sub":"someone","preferred_username":"someone","typ":"Bearer",
                 "iat":%1$d,"exp":%2$d,"realm_access":{"roles":["platform-admin"]}}""".formatted(now - 10, now + 60, issuer);
        String wrong = right.replace(
                part.formatted(now - 10, now + 60, issuer),
                instead == null ? "" : instead.formatted(now - 10, now + 60, issuer));

        assertThat(wrong).isNotEqualTo(right);
        ask(keys.sign(what, wrong)).then().statusCode(401).body("error.code", equalTo("invalid_token"));
        ask(keys.sign(what, right)).then().statusCode(200);
    }

    @Test
    void afterARotationTheNewKeysTokensAreTakenAndThoseOfAnUnpublishedKeyUnderItsNameAreNot() {
        keys.add("new");
        String good = keys.sign("new", claims(issuer, "altiplano", 60, "platform-admin"));
        ask(good).then().statusCode(200);
        keys.add("never-published");
        String[] forged = keys.sign("never-published", claims(issuer, "altiplano", 60, "platform-admin"))
                .split("\\.", -1);
        keys.remove("never-published");
        String underItsName = good.substring(0, good.indexOf('.')) + "." + forged[1] + "." + forged[2];

        Response unknown = ask(String.join(".", forged));
        Response renamed = ask(underItsName);

        unknown.then().statusCode(401);
        renamed.then().statusCode(401);
        ask(good).then().statusCode(200);
    }

    @Test
    void aTokenWhoseClaimsWereChangedAfterSigningIsRefused() {
        keys.add("changed");
        String[] parts =
                keys.sign("changed", claims(issuer, "altiplano", 60, "auditor")).split("\\.", -1);
        String raised = parts[0] + "." + base64(claims(issuer, "altiplano", 60, "platform-admin")) + "." + parts[2];

        Response answer = ask(raised);

        answer.then().statusCode(401);
    }

    @Test
    void aPublicKeyIsNoSecretToSignWith() throws GeneralSecurityException {
        keys.add("public");
        byte[] der = keys.publicKey("public");
        String pem = "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END PUBLIC KEY-----\n";
        String body = base64("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"public\"}") + "."
                + base64(claims(issuer, "altiplano", 60, "platform-admin"));
        ask(keys.sign("public", claims(issuer, "altiplano", 60, "platform-admin")))
                .then()
                .statusCode(200);

        for (byte[] secret : List.of(der, pem.getBytes(StandardCharsets.US_ASCII))) {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            byte[] signature = mac.doFinal(body.getBytes(StandardCharsets.US_ASCII));
            ask(body + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(signature))
                    .then()
                    .statusCode(401);
        }
    }

    @Test
    void aRoleThatIsNoneOfOursOpensNothing() {
        keys.add("role");

        Response answer = ask(keys.sign("role", claims(issuer, "altiplano", 60, "superuser")));

        answer.then().statusCode(403).body("error.code", equalTo("insufficient_role"));
    }

    @Test
    void anUnsignedTokenIsRefused() {
        String token = base64("{\"alg\":\"none\",\"typ\":\"JWT\"}") + "."
                + base64(claims(issuer, "altiplano", 60, "platform-admin")) + ".";

        Response answer = ask(token);

        answer.then().statusCode(401);
    }

    @Test
    void aTokenSignedWithAnotherAlgorithmIsRefused() {
        keys.add("algorithm");
        String token = base64("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"algorithm\"}") + "."
                + base64(claims(issuer, "altiplano", 60, "platform-admin")) + "." + base64("signature");

        Response answer = ask(token);

        answer.then().statusCode(401);
    }

    @Test
    void whileTheIdentityProviderIsAwayApiKeysAndOpenSessionsGoOn() {
        Key key = newKey(newTenant("idp-away", "community"));
        as("admin").get("/admin/v1/tenants").then().statusCode(200);

        keys.cut();
        try {
            given().header("Authorization", "Bearer " + key.text())
                    .get("/v1/test/whoami")
                    .then()
                    .statusCode(200);
            as("admin").get("/admin/v1/tenants").then().statusCode(200);
            keys.add("unseen");
            ask(keys.sign("unseen", claims(issuer, "altiplano", 60, "platform-admin")))
                    .then()
                    .statusCode(503)
                    .header("retry-after", "1")
                    .body("error.code", equalTo("identity_provider_unavailable"));
        } finally {
            keys.heal();
        }
        ask(keys.sign("unseen", claims(issuer, "altiplano", 60, "platform-admin")))
                .then()
                .statusCode(200);
    }

    private static Response ask(String token) {
        return given().header("Authorization", "Bearer " + token).get("/admin/v1/tenants");
    }

    private static String claims(String issuer, String audience, int seconds, String role) {
        long now = Instant.now().getEpochSecond();
        return """
                {"iss":"%s","aud":"%s","sub":"someone","preferred_username":"someone","typ":"Bearer",
                 "iat":%d,"exp":%d,"realm_access":{"roles":["%s"]}}""".formatted(issuer, audience, now - 120, now + seconds, role);
    }

    private static String base64(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
