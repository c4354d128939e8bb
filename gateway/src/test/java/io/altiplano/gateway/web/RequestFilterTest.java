package io.altiplano.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A gateway that goes leaves no connection behind on which a next request would be refused. */
class RequestFilterTest {
    private static final int SECONDS = 10;

    private final Draining draining = new Draining();
    private final Vertx vertx = Vertx.vertx();
    private final BlockingQueue<RoutingContext> begun = new LinkedBlockingQueue<>();
    private HttpServer server;

    @BeforeEach
    void serve() throws Exception {
        Filters filters = new Filters();
        new RequestFilter(draining, Duration.ofSeconds(60)).register(filters);
        Router router = Router.router(vertx);
        filters.getFilters().forEach(filter -> router.route().handler(filter.getHandler()));
        router.get("/stream").handler(request -> {
            request.response().setChunked(true);
            request.response().write("first\n").onComplete(_ -> begun.add(request));
        });
        router.get("/whole").handler(request -> request.response().end("whole\n"));
        server = vertx.createHttpServer()
                .requestHandler(router)
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(SECONDS, TimeUnit.SECONDS);
    }

    @AfterEach
    void stop() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void anAnswerThatBeganBeforeTheFarewellEndsWholeAndItsConnectionBehindIt() throws Exception {
        try (Client client = new Client(server.actualPort())) {
            // given a stream whose head is written
            client.get("/stream");
            RoutingContext stream = begun.poll(SECONDS, TimeUnit.SECONDS);

            // when the gateway says that it goes, and the stream ends
            draining.announce();
            end(stream);

            // then nothing of it is cut off, and the connection takes no other request
            assertThat(client.answer())
                    .contains("first", "last", "0")
                    .noneMatch(line -> line.equalsIgnoreCase("connection: close"));
            assertThat(client.isClosed()).isTrue();
        }
    }

    @Test
    void withoutAFarewellTheConnectionIsKept() throws Exception {
        try (Client client = new Client(server.actualPort())) {
            client.get("/stream");
            end(begun.poll(SECONDS, TimeUnit.SECONDS));
            assertThat(client.answer()).contains("first", "last");

            client.get("/whole");
            assertThat(client.line()).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void anAnswerThatBeginsAfterTheFarewellSaysThatItsConnectionEnds() throws Exception {
        draining.announce();
        try (Client client = new Client(server.actualPort())) {
            client.get("/whole");
            assertThat(client.answer())
                    .contains("HTTP/1.1 200 OK", "connection: close", "whole")
                    .isNotEmpty();
            assertThat(client.isClosed()).isTrue();
        }
    }

    @Test
    void anAnswerToABodyThatStillComesIsHeardAndTheConnectionLeftToTheClient() throws Exception {
        // given a gateway that takes nothing new
        draining.start();
        try (Client client = new Client(server.actualPort())) {
            // when a body is announced and the half of it has come
            client.send(
                    "POST /whole HTTP/1.1\r\nhost: localhost\r\ncontent-length: 200000\r\n\r\n" + "x".repeat(100_000));

            // then
            assertThat(client.line()).isEqualTo("HTTP/1.1 503 Service Unavailable");
            client.send("x".repeat(100_000));
        }
    }

    @Test
    void onAConnectionOfManyStreamsTheOthersGoOn() throws Exception {
        // given two streams on one HTTP/2 connection
        HttpClientOptions options = new HttpClientOptions()
                .setProtocolVersion(HttpVersion.HTTP_2)
                .setHttp2ClearTextUpgrade(false)
                .setDefaultPort(server.actualPort());
        HttpClient client = vertx.createHttpClient(options, new PoolOptions().setHttp2MaxSize(1));
        Future<Buffer> one = body(client, "/stream");
        RoutingContext first = begun.poll(SECONDS, TimeUnit.SECONDS);
        Future<Buffer> other = body(client, "/stream");
        RoutingContext second = begun.poll(SECONDS, TimeUnit.SECONDS);
        assertThat(first.request().connection()).isSameAs(second.request().connection());

        // when the gateway says that it goes, and one of them ends
        draining.announce();
        end(first);
        assertThat(wait(one).toString()).endsWith("last\n");

        // then the other ends whole, later
        end(second);
        assertThat(wait(other).toString()).isEqualTo("first\nlast\n");
    }

    private static Future<Buffer> body(HttpClient client, String path) {
        return client.request(HttpMethod.GET, path)
                .compose(HttpClientRequest::send)
                .compose(HttpClientResponse::body);
    }

    private static <T> T wait(Future<T> future) throws Exception {
        return future.toCompletionStage().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
    }

    private void end(RoutingContext stream) {
        vertx.runOnContext(_ -> stream.response().end("last\n"));
    }

    /** Speaks HTTP/1.1 over one connection. */
    private static final class Client implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader in;

        Client(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setSoTimeout(SECONDS * 1000);
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
        }

        void get(String path) throws IOException {
            send("GET " + path + " HTTP/1.1\r\nhost: localhost\r\n\r\n");
        }

        void send(String bytes) throws IOException {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
        }

        String line() throws IOException {
            return in.readLine();
        }

        /** The lines of an answer, up to the last chunk or the body of a whole one. */
        List<String> answer() throws IOException {
            List<String> lines = new ArrayList<>();
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                lines.add(line);
                if (line.equals("whole")) {
                    break;
                }
                if (line.equals("0")) {
                    in.readLine();
                    break;
                }
            }
            return lines;
        }

        /** Whether the server has ended the connection: the next that is read is its end. */
        boolean isClosed() throws IOException {
            return in.read() < 0;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
