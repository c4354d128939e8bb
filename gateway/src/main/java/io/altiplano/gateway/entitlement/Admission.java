package io.altiplano.gateway.entitlement;

import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** A place among a tenant's concurrent requests, given back once, however often it is closed. */
public final class Admission implements AutoCloseable {
    private final Plan plan;
    private final Map<String, String> headers;
    private final Runnable giveBack;
    private final AtomicBoolean open = new AtomicBoolean(true);

    Admission(Plan plan, Map<String, String> headers, Runnable giveBack) {
        this.plan = plan;
        this.headers = Map.copyOf(headers);
        this.giveBack = giveBack;
    }

    /** The plan it was given under. */
    public Plan plan() {
        return plan;
    }

    /** {@code x-ratelimit-*}: what the answer tells about the limits. */
    public Map<String, String> headers() {
        return headers;
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            giveBack.run();
        }
    }
}
