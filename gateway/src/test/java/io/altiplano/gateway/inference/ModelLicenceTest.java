package io.altiplano.gateway.inference;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.TestCheckpoint;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.ValidatableResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ModelLicenceTest {
    private static final String NOTICE = "Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright";

    private static ValidatableResponse licence(Served.Tenant tenant, String model) {
        return given().header("Authorization", "Bearer " + tenant.key())
                .get("/v1/models/" + model + "/licence")
                .then();
    }

    private static Path checkpoint(String id) {
        return TestCheckpoint.write(GatewayTestResource.get().models(), id);
    }

    private static void register(Map<String, String> model) {
        as("admin").body(model).post("/admin/v1/models").then().statusCode(201);
    }

    private static String sha256(String text) throws Exception {
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void theDutiesOfTheCallersDecisionAndTheTextsAsImportedAreServed() throws Exception {
        String model = AdminApi.newId("Llama-texts");
        Path directory = checkpoint(model);
        String agreement = "Agreement of " + model + ": § 1 ünïcode\n";
        Files.writeString(directory.resolve("LICENSE"), agreement);
        Files.writeString(directory.resolve("USE_POLICY.md"), "# Policy\n");
        register(Map.of("id", model, "licence", "llama-3.1"));
        // What is served is what was imported, whatever becomes of the file.
        Files.writeString(directory.resolve("LICENSE"), "changed");

        licence(Served.Tenant.create("community"), model)
                .statusCode(200)
                .body("object", equalTo("model.licence"))
                .body("permitted", equalTo(true))
                .body("decision_id", notNullValue())
                .body("licences[0].id", equalTo("llama-3.1"))
                .body("licences[0].name", equalTo("Llama 3.1 Community License Agreement"))
                .body("licences[0].version_date", equalTo("2024-07-23"))
                .body("obligations.kind", hasItems("display", "agreement_copy", "acceptable_use"))
                .body("obligations.find { it.kind == 'display' }.clause", containsString("1.b.i"))
                .body("obligations.find { it.kind == 'display' }.what", containsString("Built with Llama"))
                .body("notice", containsString(NOTICE))
                .body("agreement.text", equalTo(agreement))
                .body("agreement.sha256", equalTo(sha256(agreement)))
                .body("acceptable_use_policy.text", equalTo("# Policy\n"));
    }

    @Test
    void aModelWithoutAUsePolicySaysSoAndADerivedOneHasItsBases() throws Exception {
        Served.model();
        String base = AdminApi.newId("base");
        String derived = AdminApi.newId("Llama-child");
        Files.writeString(checkpoint(base).resolve("USE_POLICY.md"), "the base's policy");
        checkpoint(derived);
        register(Map.of("id", base, "licence", "llama-3.1"));
        register(Map.of("id", derived, "licence", "llama-3.1", "base_model", base));
        Served.Tenant tenant = Served.Tenant.create("community");

        licence(tenant, Served.MODEL)
                .statusCode(200)
                .body("acceptable_use_policy.available", equalTo(false))
                .body("acceptable_use_policy.statement", containsString("USE_POLICY"))
                .body("acceptable_use_policy.text", nullValue());
        licence(tenant, derived)
                .statusCode(200)
                .body("acceptable_use_policy.text", equalTo("the base's policy"))
                .body("acceptable_use_policy.statement", containsString(base));
    }

    @Test
    void whoIsRefusedHearsWhyAndStillGetsTheTexts() {
        Served.model();
        String id = AdminApi.newTenant("mega", "community");
        AdminApi.attest(id, 812_000_000);

        licence(new Served.Tenant(id, AdminApi.newKey(id).text()), Served.MODEL)
                .statusCode(200)
                .body("permitted", equalTo(false))
                .body("reasons.code", hasItem("licence_approval_required"))
                .body("reasons.clause", hasItem("2"))
                .body("agreement.available", equalTo(true));
    }

    @Test
    void anotherTenantsModelIsNotThere() throws SQLException {
        Served.Tenant owner = Served.Tenant.create("community");
        Served.Tenant other = Served.Tenant.create("community");
        String model = AdminApi.newId("Llama-private");
        checkpoint(model);
        register(Map.of("id", model, "licence", "llama-3.1"));
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement()) {
            s.execute("SET session_replication_role = replica; UPDATE model SET owner_tenant = '" + owner.id()
                    + "' WHERE id = '" + model + "'");
        }

        licence(owner, model).statusCode(200);
        licence(other, model).statusCode(404).body("error.code", equalTo("model_not_found"));
        licence(other, "no-such-model").statusCode(404).body("error.code", equalTo("model_not_found"));
    }

    @Test
    void aUseThatIsNoneIsNamed() {
        Served.model();
        given().header(
                        "Authorization",
                        "Bearer " + Served.Tenant.create("community").key())
                .get("/v1/models/" + Served.MODEL + "/licence?use=sell")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("use"));
    }

    @Test
    void aTextThatIsNoTextIsRefusedAtRegistration() throws IOException {
        String model = AdminApi.newId("garbled");
        Files.write(checkpoint(model).resolve("USE_POLICY.md"), new byte[] {(byte) 0xc3, 0x28});

        as("admin")
                .body(Map.of("id", model, "licence", "llama-3.1"))
                .post("/admin/v1/models")
                .then()
                .statusCode(400)
                .body("error.code", equalTo("invalid_checkpoint"))
                .body("error.message", containsString("USE_POLICY.md"));
    }
}
