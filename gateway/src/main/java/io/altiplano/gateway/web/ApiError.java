package io.altiplano.gateway.web;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer that is an error, in OpenAI's words. Clients read the status, the four keys of the body and the headers
 * {@code retry-after} and {@code x-should-retry}; the message names the thing and the remedy.
 *
 * @param status HTTP status, 400 to 599
 * @param type OpenAI's error type, e.g. "invalid_request_error"
 * @param code what a program branches on, e.g. "model_not_found"
 * @param message for a person
 * @param param the request's field at fault
 * @param headers further headers of the answer
 */
public record ApiError(
        int status,
        String type,
        @Nullable String code,
        String message,
        @Nullable String param,
        Map<String, String> headers) {

    /** The header that tells official clients that a retry cannot help. */
    public static final String SHOULD_RETRY = "x-should-retry";

    /** Clients do not retry at all when they are told to wait longer than two minutes; nothing here asks for more. */
    private static final long MOST_RETRY_SECONDS = 60;

    private static final String INVALID_REQUEST = "invalid_request_error";

    public ApiError {
        if (status < 400 || status > 599) {
            throw new IllegalArgumentException("status " + status + " is not an error");
        }
        headers = Map.copyOf(headers);
    }

    /** 400: the request itself is wrong. */
    public static ApiError invalidRequest(@Nullable String param, @Nullable String code, String message) {
        return new ApiError(400, INVALID_REQUEST, code, message, param, Map.of());
    }

    /** 401: nobody we know. */
    public static ApiError unauthorized(String code, String message) {
        return new ApiError(401, INVALID_REQUEST, code, message, null, Map.of());
    }

    /** 403: known, and refused; a retry does not help. */
    public static ApiError forbidden(String code, String message) {
        return new ApiError(403, "permission_error", code, message, null, Map.of(SHOULD_RETRY, "false"));
    }

    /** 404: not there, or not the caller's to see. */
    public static ApiError notFound(String code, String message) {
        return new ApiError(404, INVALID_REQUEST, code, message, null, Map.of());
    }

    /** 409: it is there already, or has moved on; clients would retry it unless told otherwise. */
    public static ApiError conflict(String code, String message) {
        return new ApiError(409, INVALID_REQUEST, code, message, null, Map.of(SHOULD_RETRY, "false"));
    }

    /** 429: a limit of the caller's plan; free again after {@code retryAfter}. */
    public static ApiError tooManyRequests(String code, String message, Duration retryAfter) {
        return new ApiError(429, "rate_limit_error", code, message, null, retryHeaders(retryAfter));
    }

    /** 503: a part of the platform is away; worth another try after {@code retryAfter}. */
    public static ApiError unavailable(String code, String message, Duration retryAfter) {
        return new ApiError(503, "server_error", code, message, null, retryHeaders(retryAfter));
    }

    /** 500: our fault. The message names the request's id and nothing of the inside. */
    public static ApiError internal(String requestId) {
        return new ApiError(
                500,
                "server_error",
                "internal_error",
                "The server failed on this request. Quote request id " + requestId + " when you report it.",
                null,
                Map.of());
    }

    /** The same error with another status, for those that HTTP names itself (405, 406, 413, 415). */
    public static ApiError http(int status, @Nullable String code, String message) {
        return new ApiError(status, status >= 500 ? "server_error" : INVALID_REQUEST, code, message, null, Map.of());
    }

    private static Map<String, String> retryHeaders(Duration retryAfter) {
        long millis = Math.clamp(retryAfter.toMillis(), 1, MOST_RETRY_SECONDS * 1000);
        return Map.of("retry-after", Long.toString((millis + 999) / 1000), "retry-after-ms", Long.toString(millis));
    }
}
