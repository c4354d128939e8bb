package io.altiplano.gateway.web;

import jakarta.ws.rs.core.Response;
import java.util.Map;

/**
 * An answer's entity that is written as server-sent events by {@link EventStreamWriter}, whatever the request's Accept
 * says: clients ask for streams by a field of the body.
 *
 * @param source where the events come from
 */
public record EventStream(EventSource source) {

    /** The answer of which this is the entity. */
    public Response toResponse(Map<String, String> headers) {
        Response.ResponseBuilder response =
                Response.ok(this, "text/event-stream; charset=utf-8").header("cache-control", "no-cache");
        // Proxies that buffer would turn a stream into one late answer.
        response.header("x-accel-buffering", "no");
        headers.forEach(response::header);
        return response.build();
    }
}
