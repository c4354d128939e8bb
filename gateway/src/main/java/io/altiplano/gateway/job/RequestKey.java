package io.altiplano.gateway.job;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * A request that its client named, so that sending it again is no second request.
 *
 * @param tenantId whose
 * @param projectId in which project the name counts
 * @param key the header {@code Idempotency-Key}
 * @param requestHash SHA-256 of endpoint and body, hex: another request under the same name is an error
 */
public record RequestKey(String tenantId, String projectId, String key, String requestHash) {
    /** The header. */
    public static final String HEADER = "Idempotency-Key";

    private static final Pattern FORM = Pattern.compile("[\\x21-\\x7e]{1,255}");

    /**
     * Reads the header.
     *
     * @param endpoint what was called
     * @param body the request's body, in one spelling
     * @throws ApiException 400 if the key is none
     */
    public static RequestKey of(String tenantId, String projectId, String key, String endpoint, String body) {
        if (!FORM.matcher(key).matches()) {
            throw new ApiException(ApiError.invalidRequest(
                    HEADER,
                    "invalid_value",
                    HEADER + " must be 1 to 255 visible ASCII characters, a new UUID for example."));
        }
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest((endpoint + "\n" + body).getBytes(StandardCharsets.UTF_8));
            return new RequestKey(tenantId, projectId, key, HexFormat.of().formatHex(hash));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The key of one of the request's answers, which are jobs of their own: no client's key holds a space. */
    public RequestKey ofChoice(int choice) {
        return choice == 0 ? this : new RequestKey(tenantId, projectId, key + " " + choice, requestHash);
    }

    /** What it is looked up by. */
    Name name() {
        return new Name(tenantId, projectId, key);
    }

    /** A key where it counts. */
    record Name(String tenantId, String projectId, String key) {}
}
