package io.altiplano.gateway.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The wire on which the gateway fetches Keycloak's signing keys. It can be cut; and it can add keys of the test's own, so that
 * a token with any claims can be signed by a key that the gateway trusts: then only the claim in question decides.
 */
public final class SigningKeys implements AutoCloseable {
    private final URI upstream;
    private final Map<String, KeyPair> added = new ConcurrentHashMap<>();
    private final int port;
    private HttpServer server;

    /** A wire to an issuer's key set. */
    SigningKeys(String issuer) {
        this.upstream = URI.create(issuer + "/protocol/openid-connect/certs");
        this.server = listen(0);
        this.port = server.getAddress().getPort();
    }

    /** Where the gateway finds the keys. */
    String url() {
        return "http://127.0.0.1:" + port + "/certs";
    }

    /** Adds a key under an id, as a rotation does. */
    public void add(String kid) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            added.put(kid, generator.generateKeyPair());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether a key was added under an id. */
    boolean has(String kid) {
        return added.containsKey(kid);
    }

    /** Takes an added key away, as the end of a rotation does. */
    public void remove(String kid) {
        added.remove(kid);
    }

    /** The public half of an added key, DER. */
    public byte[] publicKey(String kid) {
        KeyPair pair = added.get(kid);
        if (pair == null) {
            throw new IllegalStateException("no key " + kid + " was added");
        }
        return pair.getPublic().getEncoded();
    }

    /** A token with these claims (JSON), signed with RS256 by an added key. */
    public String sign(String kid, String claims) {
        KeyPair pair = added.get(kid);
        if (pair == null) {
            throw new IllegalStateException("no key " + kid + " was added");
        }
        String body = base64("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"" + kid + "\"}") + "." + base64(claims);
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(pair.getPrivate());
            signature.update(body.getBytes(StandardCharsets.US_ASCII));
            return body + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Refuses connections from now on. */
    public void cut() {
        server.stop(0);
    }

    /** Takes connections again. */
    public void heal() {
        server = listen(port);
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private HttpServer listen(int at) {
        try {
            HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 0);
            http.createContext("/certs", this::serve);
            http.start();
            return http;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange;
                HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> answer =
                    client.send(HttpRequest.newBuilder(upstream).build(), HttpResponse.BodyHandlers.ofString());
            String mine = added.entrySet().stream()
                    .map(e -> jwk(e.getKey(), (RSAPublicKey) e.getValue().getPublic()) + ",")
                    .collect(Collectors.joining());
            byte[] keys = answer.body().replaceFirst("\\[", "[" + mine).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, keys.length);
            exchange.getResponseBody().write(keys);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String jwk(String kid, RSAPublicKey key) {
        return "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"use\":\"sig\",\"kid\":\"" + kid + "\",\"n\":\""
                + unsigned(key.getModulus()) + "\",\"e\":\"" + unsigned(key.getPublicExponent()) + "\"}";
    }

    private static String unsigned(BigInteger value) {
        byte[] bytes = value.toByteArray();
        int from = bytes[0] == 0 ? 1 : 0;
        byte[] trimmed = Arrays.copyOfRange(bytes, from, bytes.length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(trimmed);
    }

    private static String base64(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
