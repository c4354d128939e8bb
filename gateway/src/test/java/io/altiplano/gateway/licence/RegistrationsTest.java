package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newNumber;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.person;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.People;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a tenant states of itself binds itself at once, and others only when an officer has confirmed it. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class RegistrationsTest {
    private static final long LARGE = 812_000_000;

    @Inject
    Db db;

    @Test
    void aStrangerWithACompetitorsNumberAndALargeFigureTakesNothingFromTheCompetitor() {
        String number = newNumber();
        String victim = newTenant("victim", "community", number);
        attest(victim, 5).then().statusCode(201);

        String stranger = signUp("stranger", number);
        own(stranger, LARGE).then().statusCode(201);

        assertThat(requests(stranger)).hasSize(1);
        assertThat(requests(victim)).isEmpty();
        assertThat(group(victim)).containsExactly(victim);
        assertThat(group(stranger)).containsExactlyInAnyOrder(stranger, victim);
    }

    @Test
    void whenAnOfficerConfirmsTheNumberTheWholeGroupIsBound() {
        String number = newNumber();
        String first = newTenant("first", "community", number);
        attest(first, 5).then().statusCode(201);
        String second = signUp("second", number);
        own(second, LARGE).then().statusCode(201);
        assertThat(claims(second)).containsExactly(List.of(first));

        confirm("officer-a", second, number).then().statusCode(200).body("registration_confirmed", equalTo(true));

        assertThat(requests(first)).hasSize(1);
        assertThat(group(first)).containsExactlyInAnyOrder(first, second);
        assertThat(claims(second)).isEmpty();
    }

    @Test
    void aSignUpUnderTheNumberOfALargeGroupIsBoundByItAtOnce() {
        String number = newNumber();
        String large = newTenant("large", "community", number);
        attest(large, LARGE).then().statusCode(201);

        String hidden = signUp("hidden", number);
        own(hidden, 5).then().statusCode(201);

        assertThat(requests(hidden)).hasSize(1);
    }

    @Test
    void twoUnconfirmedAccountsOfOneEntityDoNotPassForTwoSmallOnes() {
        String number = newNumber();
        String large = signUp("part", number);
        own(large, LARGE).then().statusCode(201);

        String small = signUp("rest", number);
        Response attested = own(small, 5);

        attested.then()
                .statusCode(202)
                .body("state", equalTo("submitted"))
                .body("doubts", contains(containsString("not confirmed")));
        assertThat(attested.asString()).doesNotContain(large);
    }

    @Test
    void anAffiliateThatATenantDeclaresBindsTheAffiliateOnlyWhenConfirmed() {
        String number = newNumber();
        String victim = newTenant("declared", "community", number);
        attest(victim, 5).then().statusCode(201);
        String declarer = signUp("declarer", newNumber());
        own(declarer, LARGE).then().statusCode(201);

        String id = person(declarer)
                .body(Map.of("name", "Victim", "registration_number", number))
                .post("/v1/organization/affiliates")
                .then()
                .statusCode(201)
                .body("confirmed_at", nullValue())
                .extract()
                .path("id");
        assertThat(requests(victim)).isEmpty();
        assertThat(group(declarer)).containsExactlyInAnyOrder(declarer, victim);
        as("officer-a")
                .body(Map.of("registration_number", number, "evidence", "annual report 2025, p. 12"))
                .post("/admin/v1/tenants/" + declarer + "/affiliates/" + id + "/confirm")
                .then()
                .statusCode(200);

        assertThat(requests(victim)).hasSize(1);
    }

    @Test
    void onlyTheNumberThatIsStatedCanBeConfirmedAndNotByAMember() {
        String number = newNumber();
        String tenant = signUp("checked", number);
        String insider = "insider-" + tenant;
        People.join(tenant, insider, "viewer");

        confirm("officer-a", tenant, newNumber())
                .then()
                .statusCode(409)
                .body("error.code", equalTo("another_registration_number"));
        confirm("admin", tenant, number).then().statusCode(403);
        person(insider, "licence-officer")
                .body(Map.of("registration_number", number, "evidence", "my word"))
                .post("/admin/v1/tenants/" + tenant + "/registration/confirm")
                .then()
                .statusCode(403)
                .body("error.code", equalTo("member_of_tenant"));
        confirm("officer-a", newId("nobody"), number).then().statusCode(404);
        // And not past the API either.
        assertThatThrownBy(() -> db.operator(h -> h.execute(
                        "UPDATE tenant SET registration_confirmed_by = ?, registration_confirmed_at = now() WHERE id = ?",
                        insider,
                        tenant)))
                .hasStackTraceContaining("cannot confirm its legal entity");
        assertThat(claims(tenant)).hasSize(1);
    }

    private static String signUp(String stem, String number) {
        String id = newId(stem);
        person(id)
                .body(Map.of("id", id, "name", "Tenant " + id, "registration_number", number))
                .post("/v1/organization")
                .then()
                .statusCode(201)
                .body("registration_confirmed", equalTo(false));
        return id;
    }

    private static Response own(String tenant, long users) {
        return person(tenant)
                .body(Map.of(
                        "licence",
                        "llama-3.1",
                        "products",
                        List.of(Map.of("name", "app", "monthly_active_users", users, "month", "2024-06")),
                        "signed_by",
                        "Ana Rojas"))
                .post("/v1/organization/attestations");
    }

    private static Response confirm(String user, String tenant, String number) {
        return as(user).body(Map.of("registration_number", number, "evidence", "extract of the register, 2026-02-01"))
                .post("/admin/v1/tenants/" + tenant + "/registration/confirm");
    }

    private static List<List<String>> claims(String tenant) {
        return as("auditor")
                .get("/admin/v1/registration-claims")
                .then()
                .statusCode(200)
                .extract()
                .path("data.findAll { it.tenant == '" + tenant + "' }.confirmed_tenants");
    }

    private static List<String> requests(String tenant) {
        return as("auditor")
                .get("/admin/v1/licence-requests?state=open&tenant=" + tenant)
                .path("data.id");
    }

    private static List<String> group(String tenant) {
        return as("auditor").get("/admin/v1/tenants/" + tenant + "/group").path("members");
    }
}
