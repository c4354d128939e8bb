package io.altiplano.gateway.tenant;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AffiliationsTest {
    @Inject
    Db db;

    @Test
    void tenantsAreOneGroupOverRegistrationNumbersInBothDirectionsAndOnward() {
        String number = number();
        String parent = newTenant("parent", "community");
        String child = registered("child", number);
        String sibling = registered("sibling", number);
        String grandchild = newTenant("grandchild", "community");
        String stranger = registered("stranger", number());

        declare(parent, "Child Ltd", number).then().statusCode(201).body("registration_number", equalTo(number));
        declare(grandchild, "Child Ltd", number).then().statusCode(201);

        for (String member : List.of(parent, child, sibling, grandchild)) {
            assertThat(group(member)).containsExactlyInAnyOrder(parent, child, sibling, grandchild);
        }
        assertThat(group(stranger)).containsExactly(stranger);
    }

    @ParameterizedTest
    @CsvSource({"CL-%s.1, CL-%s1", "cl-%s-1, CL-%s1", "CL - %s/1, CL-%s1"})
    void aRegistrationNumberHasOneSpelling(String given, String one) {
        String number = number().substring(3);
        String tenant = newTenant("spelt", "community");

        declare(tenant, "First", String.format(Locale.ROOT, given, number))
                .then()
                .statusCode(201)
                .body("registration_number", equalTo(String.format(Locale.ROOT, one, number)));
        declare(tenant, "Second", String.format(Locale.ROOT, one, number))
                .then()
                .statusCode(200)
                .body("name", equalTo("First"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"12345", "CHL-12345", "CL-", "CL-1", "CL-=1+1", "CL-1234\u00a0567\u202e"})
    void whatIsNoRegistrationNumberIsRefused(String number) {
        Response answer = declare(newTenant("odd", "community"), "Odd", number);

        answer.then().statusCode(400).body("error.param", equalTo("registration_number"));
    }

    @Test
    void anAffiliateIsTakenOutByTwoPersonsAndItsRowStays() {
        String number = number();
        String parent = newTenant("leaving", "community");
        String child = registered("left", number);
        String id = declare(parent, "Left Ltd", number).path("id");

        Response proposed = as("officer-a")
                .body(Map.of("reason", "sold on 2026-01-31"))
                .post("/admin/v1/tenants/" + parent + "/affiliates/" + id + "/removal");
        proposed.then().statusCode(202);
        approve("officer-a", proposed).then().statusCode(403);
        assertThat(group(parent)).containsExactlyInAnyOrder(parent, child);
        approve("officer-b", proposed).then().statusCode(200);

        assertThat(group(parent)).containsExactly(parent);
        as("auditor")
                .get("/admin/v1/tenants/" + parent + "/affiliates")
                .then()
                .body("data", org.hamcrest.Matchers.hasSize(1))
                .body("data[0].removed_at", notNullValue());
    }

    @Test
    void aKnownRegistrationNumberStays() {
        String number = number();
        String tenant = newId("fixed");
        as("admin")
                .body(Map.of("id", tenant, "name", "Fixed", "tier", "community"))
                .post("/admin/v1/tenants")
                .then()
                .statusCode(201);

        patch(tenant, number).then().statusCode(200).body("registration_number", equalTo(number));
        patch(tenant, number).then().statusCode(200);
        patch(tenant, number()).then().statusCode(409).body("error.code", equalTo("registration_number_is_fixed"));
    }

    @Test
    void productsAreDeclaredOnceAndEnded() {
        String tenant = newTenant("products", "community");
        Response first = product(tenant, "Chat");
        first.then().statusCode(201);
        product(tenant, "Chat").then().statusCode(200).body("data.name", contains("Chat"));

        as("admin")
                .delete("/admin/v1/tenants/" + tenant + "/products/" + first.path("data[0].id"))
                .then()
                .statusCode(200);
        as("admin")
                .delete("/admin/v1/tenants/" + tenant + "/products/" + first.path("data[0].id"))
                .then()
                .statusCode(404);

        product(tenant, "Chat").then().statusCode(201).body("data.name", contains("Chat", "Chat"));
    }

    @Test
    void aTenantsTransactionLearnsItsGroupAndNotTheOthersRows() {
        String number = number();
        String mine = registered("mine", number);
        String other = registered("other", number);
        declare(other, "Mine", number);

        List<String> members = db.tenant(mine, handle -> AffiliationStore.group(handle, mine));
        List<Affiliate> rows = db.tenant(mine, handle -> AffiliationStore.affiliates(handle, other));

        assertThat(members).containsExactlyInAnyOrder(mine, other);
        assertThat(rows).isEmpty();
    }

    private static String number() {
        return AdminApi.newNumber();
    }

    private static String registered(String stem, String number) {
        return newTenant(stem, "community", number);
    }

    private static Response patch(String tenant, String number) {
        return as("admin").body(Map.of("registration_number", number)).patch("/admin/v1/tenants/" + tenant);
    }

    private static Response declare(String tenant, String name, String number) {
        return as("officer-a")
                .body(Map.of("name", name, "registration_number", number))
                .post("/admin/v1/tenants/" + tenant + "/affiliates");
    }

    private static Response product(String tenant, String name) {
        return as("admin").body(Map.of("name", name)).post("/admin/v1/tenants/" + tenant + "/products");
    }

    private static Response approve(String user, Response proposed) {
        return as(user).body(Map.of("content_hash", proposed.path("content_hash")))
                .post("/admin/v1/approvals/" + proposed.path("approval") + "/approve");
    }

    private static List<String> group(String tenant) {
        return as("auditor").get("/admin/v1/tenants/" + tenant + "/group").path("members");
    }
}
