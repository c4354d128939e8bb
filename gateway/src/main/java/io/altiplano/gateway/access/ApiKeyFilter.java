package io.altiplano.gateway.access;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import jakarta.annotation.Priority;
import jakarta.inject.Inject;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.ext.Provider;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * No resource under {@code /v1} runs without a valid API key in {@code Authorization: Bearer} that has the scope which the
 * resource needs ({@link NeedsScope}), but for those that answer anybody ({@link KeyOptional}) and those under
 * {@code /v1/organization}, where people administer their tenant with access tokens ({@link CurrentMember}). It may ask the database, so
 * those resources run on virtual or worker threads, never on an event loop.
 */
@Provider
@Priority(Priorities.AUTHENTICATION)
public class ApiKeyFilter implements ContainerRequestFilter {
    private static final String BEARER = "bearer ";
    private static final String ORGANIZATION = "/v1/organization";

    private final Callers callers;
    private final KeyUses uses;
    private final CurrentCaller current;
    private final ResourceInfo resource;

    @Inject
    ApiKeyFilter(Callers callers, KeyUses uses, CurrentCaller current, ResourceInfo resource) {
        this.callers = callers;
        this.uses = uses;
        this.current = current;
        this.resource = resource;
    }

    @Override
    public void filter(ContainerRequestContext request) {
        String given = request.getUriInfo().getPath();
        String path = given.startsWith("/") ? given : "/" + given;
        if (!path.startsWith("/v1/") || path.equals(ORGANIZATION) || path.startsWith(ORGANIZATION + "/")) {
            return;
        }
        boolean optional = resource.getResourceClass().isAnnotationPresent(KeyOptional.class);
        String authorization = request.getHeaderString(HttpHeaders.AUTHORIZATION);
        if (optional && authorization == null) {
            return;
        }
        switch (callers.of(bearer(authorization))) {
            case Callers.Answer.Speaks speaks -> {
                uses.used(speaks.caller().apiKeyId());
                if (!optional && !speaks.scopes().contains(needed())) {
                    KeyScope needed = needed();
                    throw new ApiException(ApiError.forbidden(
                            "insufficient_scope",
                            "This API key lacks the scope " + needed.text()
                                    + "; use a key that has it, or ask your tenant's owner for one."));
                }
                current.set(speaks.caller());
            }
            case Callers.Answer.Expired e ->
                throw new ApiException(ApiError.unauthorized(
                        "api_key_expired", "This API key has expired; ask your tenant's owner for a new one."));
            case Callers.Answer.Unknown u ->
                throw new ApiException(
                        ApiError.unauthorized(
                                "invalid_api_key",
                                "Incorrect API key provided: it is mistyped, unknown or revoked. Ask your tenant's owner for one."));
        }
    }

    /** A resource that says no scope answers nobody: what is forgotten must not be open. */
    private KeyScope needed() {
        NeedsScope onMethod = resource.getResourceMethod().getAnnotation(NeedsScope.class);
        NeedsScope needs =
                onMethod != null ? onMethod : resource.getResourceClass().getAnnotation(NeedsScope.class);
        if (needs == null) {
            throw new IllegalStateException(resource.getResourceMethod() + " lacks @NeedsScope");
        }
        return needs.value();
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
