package io.altiplano.gateway.access;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import jakarta.annotation.Priority;
import jakarta.inject.Inject;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.ext.Provider;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * No resource under {@code /v1} runs without a valid API key in {@code Authorization: Bearer}, but for those under
 * {@code /v1/organization}, where people administer their tenant with access tokens ({@link CurrentMember}). It may ask the database, so
 * those resources run on virtual or worker threads, never on an event loop.
 */
@Provider
@Priority(Priorities.AUTHENTICATION)
public class ApiKeyFilter implements ContainerRequestFilter {
    private static final String BEARER = "bearer ";
    private static final String ORGANIZATION = "/v1/organization";

    private final Callers callers;
    private final CurrentCaller current;

    @Inject
    ApiKeyFilter(Callers callers, CurrentCaller current) {
        this.callers = callers;
        this.current = current;
    }

    @Override
    public void filter(ContainerRequestContext request) {
        String given = request.getUriInfo().getPath();
        String path = given.startsWith("/") ? given : "/" + given;
        if (!path.startsWith("/v1/") || path.equals(ORGANIZATION) || path.startsWith(ORGANIZATION + "/")) {
            return;
        }
        current.set(
                callers.of(bearer(request.getHeaderString(HttpHeaders.AUTHORIZATION)))
                        .orElseThrow(
                                () -> new ApiException(
                                        ApiError.unauthorized(
                                                "invalid_api_key",
                                                "Incorrect API key provided: it is mistyped, unknown or revoked. Ask your tenant's owner for one."))));
    }

    private static String bearer(@Nullable String header) {
        if (header == null || !header.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            throw new ApiException(ApiError.unauthorized(
                    "invalid_api_key",
                    "You didn't provide an API key. Send it in the header: Authorization: Bearer YOUR_KEY."));
        }
        return header.substring(BEARER.length()).strip();
    }
}
