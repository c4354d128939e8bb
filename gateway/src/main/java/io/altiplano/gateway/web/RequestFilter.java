package io.altiplano.gateway.web;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/**
 * What happens to every request before anything else: it gets its id, which every answer carries whoever gives it; a body
 * that says it is too large is refused unread, and one that comes too slowly is not waited for; a gateway that drains takes
 * nothing new; and every answer tells browsers to be careful.
 */
@ApplicationScoped
public class RequestFilter {
    /** Above Quarkus' own filters (its graceful shutdown answers with an empty 503). */
    private static final int FIRST = 10_000;

    /** What tells a browser to do nothing with an answer but show it: no answer here is for embedding, guessing or keeping. */
    private static final Map<String, String> SAFE = Map.of(
            "x-content-type-options", "nosniff",
            "content-security-policy", "default-src 'none'; frame-ancestors 'none'",
            "x-frame-options", "DENY",
            "referrer-policy", "no-referrer",
            "cross-origin-resource-policy", "same-origin",
            "cache-control", "no-store");

    private final Draining draining;
    private final Duration uploadTimeout;

    /** @param uploadTimeout how long a request's body may take to come, however steadily it drips */
    @Inject
    RequestFilter(
            Draining draining,
            @ConfigProperty(name = "altiplano.http.upload-timeout", defaultValue = "PT60S") Duration uploadTimeout) {
        this.draining = draining;
        this.uploadTimeout = uploadTimeout;
    }

    void register(@Observes Filters filters) {
        filters.register(this::handle, FIRST);
    }

    private void handle(RoutingContext request) {
        request.response().putHeader(RequestId.HEADER, RequestId.of(request));
        request.addHeadersEndHandler(_ -> SAFE.forEach((name, value) -> {
            // A page says its own, narrower or wider.
            if (!request.response().headers().contains(name)) {
                request.response().putHeader(name, value);
            }
        }));
        leaveWhenDraining(request);
        boolean probe = request.normalizedPath().startsWith("/q/");
        if (!probe) {
            draining.enter();
            request.addEndHandler(_ -> draining.leave());
        }
        if (draining.started() && !probe) {
            ErrorBody.send(
                    request,
                    ApiError.unavailable(
                            "shutting_down", "This gateway is shutting down; try again.", Duration.ofSeconds(1)));
        } else if (request.request().path().contains("%00")) {
            // No id, name or file here has a NUL in it, and PostgreSQL takes none: nothing has to look for one.
            ErrorBody.send(request, ApiError.notFound("not_found", "There is nothing at this path."));
        } else if (declaredLength(request.request().getHeader("content-length")) > JsonBody.MOST_BYTES) {
            request.response().putHeader("connection", "close");
            ErrorBody.send(request, JsonBody.tooLarge());
        } else {
            Upload.limit(request, declaredLength(request.request().getHeader("content-length")), uploadTimeout);
            request.next();
        }
    }

    /** Kept connections would bring their next request here, where soon nobody answers. */
    private void leaveWhenDraining(RoutingContext request) {
        request.addHeadersEndHandler(_ -> {
            if (draining.announced() && isHttp2(request)) {
                // What else is on the connection goes on; the client takes another one for what is new.
                request.request().connection().goAway(0);
            } else if (draining.announced()) {
                request.response().putHeader("connection", "close");
            }
        });
        // Whoever says so closes behind the answer (RFC 9112, 9.6). One that had begun before, such as a stream, could
        // not say so. While a body still comes the client is left to close: it would see a reset instead of the answer.
        request.addEndHandler(_ -> {
            if (draining.announced() && !isHttp2(request) && !bodyComes(request.request())) {
                request.request().connection().close();
            }
        });
    }

    private static boolean bodyComes(HttpServerRequest request) {
        boolean declared = declaredLength(request.getHeader("content-length")) > 0
                || request.getHeader("transfer-encoding") != null;
        return declared && !request.isEnded();
    }

    private static boolean isHttp2(RoutingContext request) {
        return request.request().version() == HttpVersion.HTTP_2;
    }

    private static long declaredLength(@Nullable String header) {
        try {
            return header == null ? 0 : Long.parseLong(header.strip());
        } catch (NumberFormatException e) {
            // More digits than a long: the HTTP decoder refuses anything that is not a number.
            return Long.MAX_VALUE;
        }
    }
}
