package io.altiplano.gateway.db;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;

import io.altiplano.gateway.testing.AdminApi.Key;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.time.Duration;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class DatabaseAwayTest {
    @Test
    void whileTheDatabaseIsAwayTheAnswerIsToComeAgainAndAfterwardsItIsThere() {
        Key key = newKey(newTenant("away", "community"));
        as("admin").get("/admin/v1/tenants").then().statusCode(200);

        GatewayTestResource.get().postgresWire().cut();
        try {
            long begin = System.nanoTime();
            for (int i = 0; i < 8; i++) {
                as("admin")
                        .get("/admin/v1/tenants")
                        .then()
                        .statusCode(503)
                        .header("retry-after", "1")
                        .body("error.code", equalTo("database_unavailable"));
            }
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(16));
            // The key is believed for a moment, then nobody can say whether it was revoked.
            int status = whoAmI(key);
            while (status == 200) {
                status = whoAmI(key);
            }
            assertThat(status).isEqualTo(503);
        } finally {
            GatewayTestResource.get().postgresWire().heal();
        }

        long healed = System.nanoTime();
        while (as("admin").get("/admin/v1/tenants").statusCode() != 200 || whoAmI(key) != 200) {
            assertThat(Duration.ofNanos(System.nanoTime() - healed)).isLessThan(Duration.ofSeconds(10));
        }
    }

    private static int whoAmI(Key key) {
        return given().header("Authorization", "Bearer " + key.text())
                .get("/v1/test/whoami")
                .statusCode();
    }
}
