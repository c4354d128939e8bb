package io.altiplano.gateway.web;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.jspecify.annotations.Nullable;

/** {@code {"error": {"message", "type", "param", "code"}}}, all four keys always. */
public final class ErrorBody {
    private ErrorBody() {}

    /** The JSON of an error. */
    public static String json(ApiError error) {
        return json(error.message(), error.type(), error.param(), error.code());
    }

    private static String json(String message, String type, @Nullable String param, @Nullable String code) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("error")
                .put("message", message)
                .put("type", type)
                .put("param", param)
                .put("code", code);
        return body.toString();
    }

    /** The JSON of a failure in the midst of a stream; clients raise it as they raise an HTTP error. */
    public static String midStream(ApiError error, String requestId) {
        return json(error.message() + " (request id " + requestId + ")", error.type(), error.param(), error.code());
    }

    static Response response(ApiError error) {
        Response.ResponseBuilder response = Response.status(error.status())
                .type(MediaType.APPLICATION_JSON_TYPE)
                .entity(json(error));
        error.headers().forEach(response::header);
        return response.build();
    }

    static void send(RoutingContext request, ApiError error) {
        HttpServerResponse response = request.response();
        if (response.ended()) {
            return;
        }
        error.headers().forEach((name, value) -> response.putHeader(name, value));
        response.setStatusCode(error.status())
                .putHeader("content-type", "application/json")
                .end(json(error));
    }
}
