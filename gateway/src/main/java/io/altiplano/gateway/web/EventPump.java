package io.altiplano.gateway.web;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Moves events from a source to one connection, on that connection's event loop: a signal leads to at most one drain and
 * one write. While the connection's write queue is full nothing is drained, so what a slow client does not read stays in
 * the source, whose bound counts it.
 */
final class EventPump {
    /** How long a stream may be silent before a comment shows that it lives. */
    static final Duration SILENCE = Duration.ofSeconds(5);

    /** How long a client may leave the connection's buffers full before it is taken for gone. */
    static final Duration STALL = Duration.ofSeconds(60);

    private static final Logger LOG = Logger.getLogger(EventPump.class);
    private static final String PING = ": ping\n\n";

    private final RoutingContext request;
    private final HttpServerResponse response;
    private final EventSource source;
    private final Runnable resume;
    private final Context loop;
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private long lastWriteNanos;
    private long timer;
    private boolean over;

    EventPump(RoutingContext request, EventSource source, Runnable resume) {
        this.request = request;
        this.response = request.response();
        this.source = source;
        this.resume = resume;
        // The request's own event loop: writes from it need no hand-over, and the pump's fields no lock.
        this.loop = loop(request);
    }

    private static Context loop(RoutingContext request) {
        Context current = Vertx.currentContext();
        return current != null ? current : request.vertx().getOrCreateContext();
    }

    void start() {
        loop.runOnContext(_ -> begin());
    }

    private void begin() {
        response.setChunked(true);
        lastWriteNanos = System.nanoTime();
        request.addEndHandler(ended -> loop.runOnContext(_ -> finish(ended.succeeded())));
        response.drainHandler(_ -> signal());
        if (response.closed()) {
            finish(false);
            return;
        }
        timer = request.vertx().setPeriodic(SILENCE.toMillis() / 5, _ -> loop.runOnContext(_ -> tick()));
        source.start(this::signal);
        signal();
    }

    private void signal() {
        if (scheduled.compareAndSet(false, true)) {
            loop.runOnContext(_ -> pump());
        }
    }

    private void pump() {
        scheduled.set(false);
        if (over || response.closed() || response.ended() || response.writeQueueFull()) {
            return;
        }
        StringBuilder out = new StringBuilder();
        boolean end;
        try {
            end = source.drain(out);
        } catch (RuntimeException e) {
            String id = RequestId.of(request);
            LOG.errorf(e, "stream of request %s failed", id);
            out.append("data: ")
                    .append(ErrorBody.midStream(
                            ApiError.http(500, "internal_error", "The server failed on this stream"), id))
                    .append("\n\n");
            source.abandoned("internal_error");
            end = true;
        }
        if (end) {
            var _ = response.end(out.toString());
        } else if (!out.isEmpty()) {
            write(out.toString());
        }
    }

    private void write(String events) {
        lastWriteNanos = System.nanoTime();
        var _ = response.write(events);
    }

    private void tick() {
        if (over) {
            return;
        }
        long silent = System.nanoTime() - lastWriteNanos;
        if (response.writeQueueFull()) {
            if (silent > STALL.toNanos()) {
                var _ = request.request().connection().close();
            }
        } else if (silent > SILENCE.toNanos()) {
            write(PING);
        }
    }

    private void finish(boolean complete) {
        if (over) {
            return;
        }
        over = true;
        request.vertx().cancelTimer(timer);
        if (!complete || !response.ended()) {
            source.abandoned("client_disconnected");
        }
        resume.run();
    }
}
