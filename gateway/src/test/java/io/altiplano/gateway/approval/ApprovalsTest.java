package io.altiplano.gateway.approval;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ApprovalsTest {
    @Inject
    Approvals approvals;

    @Inject
    StandInEffect effect;

    @Inject
    Db db;

    private final String record = newId("rec");
    private String tenant = "";

    @BeforeEach
    void aTenant() {
        tenant = newTenant("approved", "community");
    }

    @Test
    void aSecondPersonsAgreementToTheContentReadMakesItHold() {
        Approval proposed = propose("officer-a", "v1", List.of(subject("officer-a")));

        approve("officer-b", proposed, StandInEffect.hash("v1"))
                .then()
                .statusCode(200)
                .body("state", equalTo("approved"))
                .body("closed_by", equalTo("officer-b"));

        assertThat(effect.done()).contains("approved " + record + " by officer-b");
    }

    @Test
    void onePersonAloneIsRefused() {
        Approval proposed = propose("officer-a", "v1", List.of("somebody-else"));

        approve("officer-a", proposed, StandInEffect.hash("v1"))
                .then()
                .statusCode(403)
                .body("error.code", equalTo("second_person_required"));

        assertThat(effect.done()).noneMatch(line -> line.contains(record));
    }

    @Test
    void whoEditedTheContentIsNoSecondPerson() {
        Approval proposed = propose("officer-a", "v1", List.of(subject("officer-a"), subject("officer-b")));

        approve("officer-b", proposed, StandInEffect.hash("v1"))
                .then()
                .statusCode(403)
                .body("error.code", equalTo("second_person_required"));
    }

    @Test
    void anEditAfterTheProposalIsAConflictWhicheverContentIsNamed() {
        Approval proposed = propose("officer-a", "v1", List.of(subject("officer-a")));
        effect.content(record, "v2");

        for (String content : List.of("v1", "v2")) {
            approve("officer-b", proposed, StandInEffect.hash(content))
                    .then()
                    .statusCode(409)
                    .header("x-should-retry", "false")
                    .body("error.code", equalTo("content_changed"));
        }
        assertThat(effect.done()).noneMatch(line -> line.contains(record));
    }

    @Test
    void aMemberOfTheTenantNeitherProposesNorApproves() {
        Approval proposed = propose("officer-a", "v1", List.of(subject("officer-a")));
        join(subject("officer-b"));

        approve("officer-b", proposed, StandInEffect.hash("v1"))
                .then()
                .statusCode(403)
                .body("error.code", equalTo("member_of_tenant"));
        assertThatThrownBy(() -> propose("officer-b", "v1", List.of("x"))).hasMessageContaining("member of the tenant");
    }

    @Test
    void whatIsRejectedStaysRejected() {
        Approval proposed = propose("officer-a", "v1", List.of(subject("officer-a")));

        as("officer-b")
                .body(Map.of("reason", "the document is not Meta's"))
                .post("/admin/v1/approvals/" + proposed.id() + "/reject")
                .then()
                .statusCode(200)
                .body("state", equalTo("rejected"));

        approve("officer-b", proposed, StandInEffect.hash("v1"))
                .then()
                .statusCode(409)
                .body("error.code", equalTo("approval_closed"));
        assertThat(effect.done()).contains("rejected " + record + " by officer-b: the document is not Meta's");
    }

    @Test
    void aNewProposalAboutTheRecordVoidsTheOpenOne() {
        Approval first = propose("officer-a", "v1", List.of(subject("officer-a")));
        Approval second = propose("officer-a", "v2", List.of(subject("officer-a")));

        as("auditor").get("/admin/v1/approvals/" + first.id()).then().body("state", equalTo("voided"));
        as("auditor")
                .get("/admin/v1/approvals?state=open&tenant=" + tenant)
                .then()
                .body("data.id", equalTo(List.of(second.id())));
        as("auditor").get("/admin/v1/approvals?state=all").then().body("data.id", hasItem(first.id()));
    }

    @Test
    void theDatabaseRefusesOnePersonAndMembersEvenWhenTheCodeDoesNot() {
        Approval proposed = propose("officer-a", "v1", List.of("editor"));
        join("member-of-it");

        for (Map.Entry<String, String> who : Map.of(
                        proposed.proposedBy(),
                        "two_persons",
                        "editor",
                        "two_persons",
                        "member-of-it",
                        "member of the tenant")
                .entrySet()) {
            assertThatThrownBy(() -> db.operator(handle -> {
                        ApprovalStore.close(handle, proposed.id(), Approval.State.APPROVED, who.getKey(), "name", null);
                        return true;
                    }))
                    .as(who.getKey())
                    .hasStackTraceContaining(who.getValue());
        }
    }

    @Test
    void whoIsNoOfficerDecidesNothing() {
        Approval proposed = propose("officer-a", "v1", List.of(subject("officer-a")));

        for (String user : List.of("admin", "auditor", "acme-owner")) {
            approve(user, proposed, StandInEffect.hash("v1")).then().statusCode(403);
        }
    }

    private Approval propose(String user, String content, List<String> editors) {
        effect.content(record, content);
        Person person = new Person(subject(user), user);
        return db.operator(handle -> approvals.propose(
                handle,
                person,
                tenant,
                StandInEffect.KIND,
                record,
                "a record of tests",
                StandInEffect.hash(content),
                editors));
    }

    private static Response approve(String user, Approval approval, String hash) {
        return as(user).body(Map.of("content_hash", hash)).post("/admin/v1/approvals/" + approval.id() + "/approve");
    }

    private void join(String subject) {
        try (var superuser = GatewayTestResource.get().superuser();
                var insert = superuser.prepareStatement(
                        "INSERT INTO member (tenant_id, subject, role) VALUES (?, ?, 'VIEWER')")) {
            superuser.createStatement().execute("SET session_replication_role = replica");
            insert.setString(1, tenant);
            insert.setString(2, subject);
            insert.execute();
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String subject(String user) {
        String token = GatewayTestResource.get().infra().token(user);
        try {
            return new ObjectMapper()
                    .readTree(Base64.getUrlDecoder().decode(token.split("\\.", -1)[1]))
                    .path("sub")
                    .asText();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
