package io.altiplano.gateway.testing;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.restassured.RestAssured;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A client of event streams over a socket of its own, so that a test sees every byte and can hang up at any moment. */
public final class Sse implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PATIENCE_MILLIS = 20_000;

    private final Socket socket;
    private final BufferedReader in;
    private final List<String> head = new ArrayList<>();

    private Sse(Socket socket, BufferedReader in) {
        this.socket = socket;
        this.in = in;
    }

    /** Posts a request and reads the answer's head. The answer's body is read as it comes. */
    public static Sse post(String path, String key, Map<String, ?> body, String... headers) {
        try {
            Socket socket = new Socket();
            // Small, so that a client that does not read is felt at the other end.
            socket.setReceiveBufferSize(16 * 1024);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), RestAssured.port));
            socket.setSoTimeout(PATIENCE_MILLIS);
            byte[] bytes = JSON.writeValueAsBytes(body);
            StringBuilder request = new StringBuilder("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n");
            request.append("Authorization: Bearer ").append(key).append("\r\nContent-Type: application/json\r\n");
            for (String header : headers) {
                request.append(header).append("\r\n");
            }
            request.append("Content-Length: ").append(bytes.length).append("\r\n\r\n");
            OutputStream out = socket.getOutputStream();
            out.write(request.toString().getBytes(StandardCharsets.US_ASCII));
            out.write(bytes);
            out.flush();
            return new Sse(socket, reader(socket.getInputStream()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static BufferedReader reader(InputStream in) {
        return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    /** Status line and headers, in lower case. */
    public List<String> head() {
        try {
            while (head.isEmpty() || !head.getLast().isEmpty()) {
                String line = in.readLine();
                if (line == null) {
                    throw new AssertionError("the connection ended in the answer's head: " + head);
                }
                head.add(line.toLowerCase(Locale.ROOT));
            }
            return head;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next line that is data or a comment; chunk sizes and empty lines are passed over. Null at the end. */
    public @Nullable String next() {
        head();
        try {
            String line = in.readLine();
            while (line != null && !line.startsWith("data: ") && !line.startsWith(":")) {
                if (line.equals("0")) {
                    return null;
                }
                line = in.readLine();
            }
            return line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next event's JSON. */
    public JsonNode nextJson() {
        String line = next();
        if (line == null || !line.startsWith("data: {")) {
            throw new AssertionError("an event with JSON was expected, not: " + line);
        }
        try {
            return JSON.readTree(line.substring("data: ".length()));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The body of an answer that is no stream. */
    public String body() {
        int length = head().stream()
                .filter(line -> line.startsWith("content-length: "))
                .mapToInt(line -> Integer.parseInt(line.substring("content-length: ".length())))
                .findFirst()
                .orElseThrow();
        StringBuilder body = new StringBuilder();
        try {
            while (body.toString().getBytes(StandardCharsets.UTF_8).length < length) {
                body.append((char) in.read());
            }
            return body.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All that is left, up to the end of the answer. */
    public List<String> rest() {
        List<String> lines = new ArrayList<>();
        for (String line = next(); line != null; line = next()) {
            lines.add(line);
        }
        return lines;
    }

    /** Hangs up. */
    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
