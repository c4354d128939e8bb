package io.altiplano.gateway.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.ForbiddenException;
import io.quarkus.security.UnauthorizedException;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;
import org.jspecify.annotations.Nullable;

/**
 * Every way in which a request can end without its answer, as an OpenAI error: what resources throw, what the framework
 * throws before a resource runs, and what fails outside of any resource.
 */
@ApplicationScoped
public class ErrorMappers {
    private static final Logger LOG = Logger.getLogger(ErrorMappers.class);

    @ServerExceptionMapper
    Response api(ApiException e) {
        return ErrorBody.response(e.error());
    }

    @ServerExceptionMapper
    Response database(DatabaseUnavailableException e) {
        LOG.warnf("database unavailable: %s", e.getCause() == null ? e : e.getCause());
        return ErrorBody.response(away());
    }

    @ServerExceptionMapper
    Response json(JsonProcessingException e) {
        return ErrorBody.response(
                ApiError.invalidRequest(null, "invalid_json", "The body is not the JSON that this endpoint takes."));
    }

    @ServerExceptionMapper
    Response unauthorized(UnauthorizedException e) {
        return ErrorBody.response(noBearer());
    }

    @ServerExceptionMapper
    Response unauthenticated(AuthenticationFailedException e) {
        return ErrorBody.response(unproven(e));
    }

    @ServerExceptionMapper
    Response forbidden(ForbiddenException e) {
        return ErrorBody.response(noRole());
    }

    /** Quarkus' own refusals: their status and headers are right, their bodies are empty or HTML. */
    @ServerExceptionMapper
    Response web(WebApplicationException e, RoutingContext request) {
        Response given = e.getResponse();
        Throwable cause = e.getCause();
        if (given.getStatus() == 400 && cause instanceof JsonProcessingException json) {
            return json(json);
        }
        if (given.getStatus() < 400) {
            return given;
        }
        Response shaped = ErrorBody.response(ofStatus(given.getStatus(), request));
        String allow = given.getHeaderString(HttpHeaders.ALLOW);
        return allow == null
                ? shaped
                : Response.fromResponse(shaped).header(HttpHeaders.ALLOW, allow).build();
    }

    @ServerExceptionMapper
    Response unexpected(Throwable e, RoutingContext request) {
        return ErrorBody.response(internal(e, request));
    }

    /** Requests that reach no resource, and failures outside of one. */
    void routes(@Observes Router router) {
        router.route().order(Integer.MIN_VALUE).failureHandler(this::failed);
        router.route().order(Integer.MAX_VALUE).handler(request -> ErrorBody.send(request, ofStatus(404, request)));
    }

    private void failed(RoutingContext request) {
        Throwable failure = request.failure();
        ApiError error;
        if (failure instanceof ApiException e) {
            error = e.error();
        } else if (failure instanceof DatabaseUnavailableException) {
            error = away();
        } else if (failure instanceof AuthenticationFailedException e) {
            error = unproven(e);
        } else if (failure instanceof UnauthorizedException) {
            error = noBearer();
        } else if (failure instanceof ForbiddenException) {
            error = noRole();
        } else if (failure == null || (request.statusCode() >= 400 && request.statusCode() < 500)) {
            error = ofStatus(request.statusCode(), request);
        } else {
            error = internal(failure, request);
        }
        ErrorBody.send(request, error);
    }

    private static ApiError internal(Throwable e, RoutingContext request) {
        String id = RequestId.of(request);
        LOG.errorf(e, "request %s failed: %s %s", id, request.request().method(), request.normalizedPath());
        return ApiError.internal(id);
    }

    private static ApiError ofStatus(int status, RoutingContext request) {
        String what = request.request().method() + " " + shown(request.normalizedPath());
        return switch (status) {
            case 400 -> ApiError.invalidRequest(null, "bad_request", "The request to " + what + " is malformed.");
            case 401 -> noBearer();
            case 403 -> noRole();
            case 404 -> ApiError.notFound("unknown_url", "Unknown request URL: " + what + ".");
            case 405 ->
                ApiError.http(
                        405,
                        "method_not_allowed",
                        what + " is not supported; the header Allow names the methods that are.");
            case 406 -> ApiError.http(406, "not_acceptable", what + " has no answer of the type that Accept asks for.");
            case 413 -> JsonBody.tooLarge();
            case 415 ->
                ApiError.http(
                        415,
                        "unsupported_content_type",
                        what + " takes JSON; send the header Content-Type: application/json.");
            case 429 -> ApiError.tooManyRequests("rate_limit_exceeded", "Too many requests.", Duration.ofSeconds(1));
            case 503 -> ApiError.unavailable("unavailable", "Not available now; try again.", Duration.ofSeconds(1));
            default ->
                status >= 500 || status < 400
                        ? ApiError.internal(RequestId.of(request))
                        : ApiError.http(status, null, what + " was refused.");
        };
    }

    /** A path as a message may carry it. */
    private static String shown(@Nullable String path) {
        if (path == null) {
            return "";
        }
        String printable = path.replaceAll("[^\\x20-\\x7e]", "?");
        return printable.length() > 200 ? printable.substring(0, 200) + "..." : printable;
    }

    private static ApiError away() {
        return ApiError.unavailable(
                "database_unavailable",
                "The database is not reachable at the moment; try again.",
                Duration.ofSeconds(1));
    }

    private static ApiError noBearer() {
        return ApiError.unauthorized(
                "invalid_token",
                "This needs an access token of the platform's identity provider: send Authorization: Bearer TOKEN.");
    }

    /** A token that is wrong, or one that nobody can check now because the identity provider's keys are not to be had. */
    private static ApiError unproven(AuthenticationFailedException e) {
        for (Throwable t = e.getCause(); t != null; t = t.getCause()) {
            if (t instanceof SocketException || t instanceof UnknownHostException || t instanceof TimeoutException) {
                return ApiError.unavailable(
                        "identity_provider_unavailable",
                        "The identity provider is not reachable, so the access token cannot be checked; try again.",
                        Duration.ofSeconds(1));
            }
        }
        return noBearer();
    }

    private static ApiError noRole() {
        return ApiError.forbidden("insufficient_role", "The access token's roles do not allow this.");
    }
}
