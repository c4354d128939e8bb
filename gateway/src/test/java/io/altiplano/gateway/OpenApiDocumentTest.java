package io.altiplano.gateway;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.startsWith;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.http.ContentType;
import io.restassured.path.json.JsonPath;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** What the gateway serves as its document is what its classes are. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class OpenApiDocumentTest {
    private static final String WRITE = "altiplano.openapi.write";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The document as it is made of the classes. */
    static JsonPath ofTheClasses() {
        return JsonPath.from(ofTheClasses("json"));
    }

    private static String ofTheClasses(String form) {
        return given().queryParam("format", form)
                .get("/q/openapi")
                .then()
                .statusCode(200)
                .extract()
                .asString();
    }

    @Test
    void theServedDocumentIsThatOfTheClasses() throws IOException {
        // given
        if (Boolean.getBoolean(WRITE)) {
            Path folder = Path.of(System.getProperty("altiplano.root"), "gateway/src/main/resources/openapi");
            Files.createDirectories(folder);
            for (String form : new String[] {"json", "yaml"}) {
                Files.writeString(
                        folder.resolve("openapi." + form), ofTheClasses(form).stripTrailing() + "\n");
            }
            return;
        }
        JsonNode expected = JSON.readTree(ofTheClasses("json"));

        // then
        assertThat(served())
                .as("an endpoint has changed: run this test with -D%s=true and commit the two files", WRITE)
                .isEqualTo(expected);
        assertThat(JSON.<JsonNode>valueToTree(
                        new Yaml().<Object>load(given().get("/openapi.yaml").asString())))
                .as("openapi.yaml")
                .isEqualTo(expected);
    }

    @Test
    void anEndpointThatTheFileDoesNotNameIsADifference() throws IOException {
        ObjectNode without = (ObjectNode) served();
        ((ObjectNode) without.get("paths")).remove("/v1/models");
        assertThat(without).isNotEqualTo(JSON.readTree(ofTheClasses("json")));
    }

    private static JsonNode served() throws JsonProcessingException {
        return JSON.readTree(given().get("/openapi.json").asString());
    }

    @Test
    void theDocumentIsPublic() {
        given().get("/openapi.json")
                .then()
                .statusCode(200)
                .contentType(ContentType.JSON)
                .body("openapi", startsWith("3."))
                .body("info.title", equalTo("Altiplano"));
        given().head("/openapi.json").then().statusCode(200).contentType(ContentType.JSON);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/openapi", "/openapi.yaml", "/openapi.yml"})
    void itIsHadAsYamlToo(String path) {
        String text = given().get(path)
                .then()
                .statusCode(200)
                .header("content-type", startsWith("application/yaml"))
                .extract()
                .asString();
        assertThat(text).contains("title: Altiplano");
    }

    @Test
    void whoAcceptsJsonGetsJson() {
        given().accept("application/json").get("/openapi").then().contentType(ContentType.JSON);
        given().get("/openapi?format=JSON").then().contentType(ContentType.JSON);
    }

    @Test
    void aQueryThatIsNoneIsTheCallersFault() throws IOException {
        // By hand: no client sends it.
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), RestAssured.port)) {
            socket.getOutputStream()
                    .write("GET /openapi?format=%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 400 ");
        }
    }
}
