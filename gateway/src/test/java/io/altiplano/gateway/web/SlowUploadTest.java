package io.altiplano.gateway.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A body that drips, so that no pause between two bytes is long: it is ended by its whole time, and holds nobody else up. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class SlowUploadTest {
    private static final String HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type: application/json\r\nAuthorization: Bearer ";

    private String key = "";

    @BeforeEach
    void someoneWhoMayCall() {
        Served.model();
        key = Served.Tenant.create("community").key();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 100000", "Transfer-Encoding: chunked"})
    void aBodyThatDripsIsAnswered408AndTheConnectionClosed(String length) throws Exception {
        boolean chunked = length.startsWith("Transfer");
        long begin = System.nanoTime();
        try (Socket socket = connect()) {
            OutputStream out = socket.getOutputStream();
            out.write((HEAD + key + "\r\n" + length + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            byte[] drop = (chunked ? "1\r\n{\r\n" : "{").getBytes(StandardCharsets.US_ASCII);
            Thread drip = Thread.ofVirtual().start(() -> drip(out, drop));

            String answer = new String(readAll(socket.getInputStream()), StandardCharsets.UTF_8);

            drip.join();
            assertThat(answer).startsWith("HTTP/1.1 408 ").contains("\"code\":\"upload_too_slow\"");
            assertThat(answer.toLowerCase(java.util.Locale.ROOT)).contains("x-request-id: ");
            // Not before its time, and not at the mercy of the client.
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .isGreaterThan(GatewayTestResource.UPLOAD_TIMEOUT)
                    .isLessThan(GatewayTestResource.UPLOAD_TIMEOUT.multipliedBy(4));
        }
    }

    @Test
    void manySlowOnesHoldNobodyUp() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                Socket socket = connect();
                slow.add(socket);
                socket.getOutputStream()
                        .write((HEAD + key + "\r\nContent-Length: 1000\r\n\r\n{").getBytes(StandardCharsets.US_ASCII));
            }
            given().header("Authorization", "Bearer " + key)
                    .get("/v1/models")
                    .then()
                    .statusCode(200);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void aBodyInPiecesThatComesInTimeIsRead() throws Exception {
        String body = "{\"model\": \"" + Served.MODEL + "\", \"messages\": []}";
        try (Socket socket = connect()) {
            OutputStream out = socket.getOutputStream();
            out.write((HEAD + key + "\r\nConnection: close\r\nContent-Length: " + body.length() + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < body.length(); i += 10) {
                out.write(body.substring(i, Math.min(body.length(), i + 10)).getBytes(StandardCharsets.US_ASCII));
                out.flush();
                Thread.sleep(50);
            }

            String answer = new String(readAll(socket.getInputStream()), StandardCharsets.UTF_8);

            assertThat(answer).startsWith("HTTP/1.1 400 ").contains("messages");
        }
    }

    @Test
    void aJobThatTakesLongerThanABodyMayIsAnswered() throws Exception {
        Served.Tenant tenant = Served.Tenant.create("community");
        try (KafkaPeer peer = new KafkaPeer()) {
            var asked = CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                    .contentType("application/json")
                    .body(Served.chat(false))
                    .post("/v1/chat/completions"));
            var job = peer.awaitJob(tenant.id());
            Thread.sleep(GatewayTestResource.UPLOAD_TIMEOUT.plusSeconds(1).toMillis());
            peer.answer(job, "late");

            assertThat(asked.get().statusCode()).isEqualTo(200);
        }
    }

    private static Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), RestAssured.port);
        socket.setSoTimeout(30_000);
        return socket;
    }

    private static void drip(OutputStream out, byte[] drop) {
        try {
            while (true) {
                out.write(drop);
                out.flush();
                Thread.sleep(100);
            }
        } catch (IOException e) {
            // The gateway has hung up, as it should.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What was sent before the connection was closed; bytes that we still sent make the close a reset. */
    private static byte[] readAll(InputStream in) throws IOException {
        var all = new java.io.ByteArrayOutputStream();
        byte[] buffer = new byte[4096];
        try {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                all.write(buffer, 0, n);
            }
        } catch (SocketException e) {
            assertThat(all.size()).as("closed without an answer").isPositive();
        }
        return all.toByteArray();
    }
}
