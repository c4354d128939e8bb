package io.altiplano.gateway.web;

import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The id that every answer carries as {@code x-request-id}: the client's own if it is sane, else a new one. */
@RequestScoped
public class RequestId {
    /** The header, in both directions. */
    public static final String HEADER = "x-request-id";

    private static final String KEY = "altiplano.request-id";
    private static final Pattern SANE = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    private final RoutingContext request;

    @Inject
    RequestId(RoutingContext request) {
        this.request = request;
    }

    /** The current request's id. */
    public String get() {
        return of(request);
    }

    /** The id of a request, given at its first use. */
    static String of(RoutingContext request) {
        String id = request.get(KEY);
        if (id == null) {
            id = choose(request.request().getHeader(HEADER));
            request.put(KEY, id);
        }
        return id;
    }

    /** The client's id where it can stand in a header and a log line as it is, else a new one. */
    static String choose(@Nullable String offered) {
        return offered != null && SANE.matcher(offered).matches()
                ? offered
                : "req_" + UUID.randomUUID().toString().replace("-", "");
    }
}
