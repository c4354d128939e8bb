package io.altiplano.gateway.web;

import io.quarkus.arc.Arc;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Map;

/**
 * A request's body, in bounded time. A limit of the silence between two reads does not end a body that comes byte by byte, and each
 * such body holds a connection and may hold a thread; so the whole has a limit.
 */
public final class Upload {
    private static final String READ = Upload.class.getName();

    private Upload() {}

    /**
     * The body's bytes, at most {@code most} and one, so that the caller sees that there were more.
     *
     * @throws IOException it ended before its end
     */
    public static byte[] read(InputStream body, int most) throws IOException {
        byte[] bytes = body.readNBytes(most + 1);
        RoutingContext request =
                Arc.container().instance(CurrentVertxRequest.class).get().getCurrent();
        if (request != null) {
            request.put(READ, true);
        }
        return bytes;
    }

    /** From now on the body has so long; then the request is answered 408 and its connection closed. */
    static void limit(RoutingContext request, long declaredLength, Duration longest) {
        HttpServerRequest http = request.request();
        if (declaredLength == 0
                && http.getHeader("transfer-encoding") == null
                && http.version() != HttpVersion.HTTP_2) {
            return;
        }
        long timer = request.vertx().setTimer(longest.toMillis(), _ -> {
            boolean came = request.get(READ) != null
                    || http.isEnded()
                    // A body that nothing asks for is not read, and that is no fault of the client's.
                    || (declaredLength > 0 && http.bytesRead() >= declaredLength);
            if (!came && !request.response().headWritten()) {
                request.response().putHeader("connection", "close");
                ErrorBody.send(
                        request,
                        new ApiError(
                                408,
                                "invalid_request_error",
                                "upload_too_slow",
                                "The body did not come within " + longest.toSeconds()
                                        + " seconds; send it at once, or less of it.",
                                null,
                                Map.of()));
                http.connection().close();
            }
        });
        request.addEndHandler(_ -> request.vertx().cancelTimer(timer));
    }
}
