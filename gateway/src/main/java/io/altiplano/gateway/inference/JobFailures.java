package io.altiplano.gateway.inference;

import io.altiplano.gateway.job.JobEvent;
import io.altiplano.gateway.web.ApiError;
import java.time.Duration;
import java.util.Map;

/**
 * What a client is told of a job that did not succeed: as an HTTP answer, or, with the same type and code, in the midst of a stream. A
 * job that the platform did not finish costs nothing and may be sent again; where that cannot help, the answer says so.
 */
final class JobFailures {
    private static final Duration QUEUE_WAIT = Duration.ofSeconds(2);

    private JobFailures() {}

    static ApiError error(JobEvent.Failed failed) {
        return switch (failed.code()) {
            case "queue_full" ->
                ApiError.tooManyRequests(
                        failed.code(),
                        "Too many of your requests wait already (" + failed.message()
                                + "); let some of them end first.",
                        QUEUE_WAIT);
            // gateway_lost: this gateway was not heard while the worker was lost; another try may go better at once.
            case "shutting_down", "stream_broken", "idempotent_request_failed", "gateway_lost" ->
                ApiError.unavailable(failed.code(), failed.message(), Duration.ofSeconds(1));
            case "deadline_exceeded" -> ApiError.http(504, failed.code(), failed.message());
            case "context_length_exceeded" -> ApiError.invalidRequest("messages", failed.code(), failed.message());
            case "licence_withdrawn", "right_withdrawn" -> ApiError.forbidden(failed.code(), failed.message());
            case "api_key_revoked" -> ApiError.unauthorized(failed.code(), failed.message());
            case "attempts_exhausted" -> notAgain(ApiError.http(500, failed.code(), failed.message()));
            default -> ApiError.http(500, failed.code(), failed.message());
        };
    }

    /** A job that ended every worker it ran on is not to be given to more of them by a client's retries. */
    private static ApiError notAgain(ApiError e) {
        return new ApiError(
                e.status(), e.type(), e.code(), e.message(), e.param(), Map.of(ApiError.SHOULD_RETRY, "false"));
    }
}
