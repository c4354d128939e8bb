package io.altiplano.gateway.access;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.testing.AdminApi.Key;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ApiKeysTest {
    private static final String WHO_AM_I = "/v1/test/whoami";

    @Test
    void aKeySpeaksForItsTenantsDefaultProject() {
        String tenant = newTenant("keys", "partner");
        Key key = newKey(tenant);

        Response answer = whoAmI(key.text());

        answer.then()
                .statusCode(200)
                .body("tenant", equalTo(tenant))
                .body("project", equalTo("default"))
                .body("tier", equalTo("PARTNER"))
                .body("role", equalTo("DEVELOPER"));
    }

    @Test
    void theKeyIsShownOnceAndStoredNowhere() throws SQLException {
        String tenant = newTenant("once", "community");
        Key key = newKey(tenant);

        Response list = as("auditor").get("/admin/v1/tenants/" + tenant + "/keys");

        String secret = key.text().substring("alt_dev_12345678_".length());
        list.then()
                .statusCode(200)
                .body("data[0].id", equalTo(key.id()))
                .body("data[0].prefix", equalTo(key.text().substring(8, 16)))
                .body("data[0].key", nullValue())
                .body(not(containsString(secret)));
        assertThat(databaseAsText()).doesNotContain(secret).doesNotContain(secret.substring(0, 32));
    }

    @Test
    void aRevokedKeyIsRefusedWithinASecond() {
        Key key = newKey(newTenant("revoked", "community"));
        whoAmI(key.text()).then().statusCode(200);

        as("admin").delete("/admin/v1/keys/" + key.id()).then().statusCode(200).body("deleted", equalTo(true));
        long revoked = System.nanoTime();

        while (whoAmI(key.text()).statusCode() != 401) {
            assertThat(Duration.ofNanos(System.nanoTime() - revoked)).isLessThan(Duration.ofSeconds(1));
        }
        as("admin").delete("/admin/v1/keys/" + key.id()).then().statusCode(200);
        assertThat(whoAmI(key.text()).statusCode()).isEqualTo(401);
    }

    @Test
    void aChangedTierIsKnownWithinASecond() {
        String tenant = newTenant("tier", "partner");
        Key key = newKey(tenant);
        whoAmI(key.text()).then().body("tier", equalTo("PARTNER"));

        as("admin")
                .body(Map.of("tier", "community", "reason", "contract ended"))
                .post("/admin/v1/tenants/" + tenant + "/tier")
                .then()
                .statusCode(200);
        long changed = System.nanoTime();

        while (!whoAmI(key.text()).path("tier").equals("COMMUNITY")) {
            assertThat(Duration.ofNanos(System.nanoTime() - changed)).isLessThan(Duration.ofSeconds(1));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Bearer sk-other",
                "Bearer alt_abcdEFGH_0123456789ABCDEFGHIJKLMNOPQRSTUV000000",
                "Bearer alt_abcdEFGH_0123456789ABCDEFGHIJKLMNOPQRSTUV3XwaZ4",
                "Bearer alt_live_abcdEFGH_0123456789ABCDEFGHIJKLMNOPQRSTUV000000",
                "Bearer ",
                "Basic YWJjOmRlZg==",
                "nonsense"
            })
    void whatIsNoKeyIsRefusedInOpenAisShape(String header) {
        Response answer = given().header("Authorization", header).get(WHO_AM_I);

        answer.then()
                .statusCode(401)
                .body("error.code", equalTo("invalid_api_key"))
                .body("error.type", equalTo("invalid_request_error"))
                .body("error.param", nullValue());
    }

    @Test
    void withoutAKeyTheAnswerSaysHowToSendOne() {
        Response answer = given().get(WHO_AM_I);

        answer.then().statusCode(401).body("error.message", containsString("Authorization: Bearer"));
    }

    @Test
    void anAdministratorsTokenIsNoApiKey() {
        Response answer = as("admin").get(WHO_AM_I);

        answer.then().statusCode(401).body("error.code", equalTo("invalid_api_key"));
    }

    @Test
    void aKeyOfAnUnknownTenantOrProjectIsNotMade() {
        String tenant = newTenant("noproj", "community");

        Response noTenant = as("admin").body(Map.of("name", "x")).post("/admin/v1/tenants/nobody/keys");
        Response noProject =
                as("admin").body(Map.of("name", "x", "project", "other")).post("/admin/v1/tenants/" + tenant + "/keys");
        Response noKey = as("admin").delete("/admin/v1/keys/key_" + "0".repeat(32));

        noTenant.then().statusCode(404).body("error.code", equalTo("tenant_not_found"));
        noProject.then().statusCode(404).body("error.code", equalTo("project_not_found"));
        noKey.then().statusCode(404).body("error.code", equalTo("api_key_not_found"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"auditor", "officer-a", "acme-owner"})
    void onlyAnAdministratorMakesAndRevokesKeys(String user) {
        String tenant = newTenant("role", "community");
        Key key = newKey(tenant);

        Response made = as(user).body(Map.of("name", "x")).post("/admin/v1/tenants/" + tenant + "/keys");
        Response revoked = as(user).delete("/admin/v1/keys/" + key.id());

        made.then().statusCode(403);
        revoked.then().statusCode(403);
        whoAmI(key.text()).then().statusCode(200);
    }

    private static Response whoAmI(String key) {
        return given().header("Authorization", "Bearer " + key).get(WHO_AM_I);
    }

    /** Every row of every table. */
    private static String databaseAsText() throws SQLException {
        StringBuilder all = new StringBuilder();
        try (var superuser = GatewayTestResource.get().superuser();
                var statement = superuser.createStatement();
                var tables = statement.executeQuery(
                        "SELECT string_agg(format('SELECT t::text FROM %I t', relname), ' UNION ALL ') FROM pg_class"
                                + " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")) {
            tables.next();
            try (var rows = superuser.createStatement().executeQuery(tables.getString(1))) {
                while (rows.next()) {
                    all.append(rows.getString(1)).append('\n');
                }
            }
        }
        assertThat(all).as("the dump holds something").contains("api_key.create");
        return all.toString();
    }
}
