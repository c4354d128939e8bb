package io.altiplano.gateway.entitlement;

import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A job's reservation as this gateway holds it: a place among the requests under way, and tokens and money until the job is
 * settled. Ended once, by whichever of {@link #close} and {@link #release} is first.
 */
public final class Admission implements AutoCloseable {
    private final long maxTokens;
    private final @Nullable Long tenantConcurrent;
    private final @Nullable Long projectConcurrent;
    private final Map<String, String> headers;
    private final Consumer<Boolean> end;
    private final AtomicBoolean open = new AtomicBoolean(true);

    /** @param end told whether the job was sent */
    Admission(Verdict.Admitted verdict, Map<String, String> headers, Consumer<Boolean> end) {
        this.maxTokens = verdict.answer();
        this.tenantConcurrent = verdict.tenantConcurrent();
        this.projectConcurrent = verdict.projectConcurrent();
        this.headers = Map.copyOf(headers);
        this.end = end;
    }

    /** The longest answer that was reserved for, tokens; less than was asked for where the request named none. */
    public int maxTokens() {
        return Math.toIntExact(maxTokens);
    }

    /** How many requests of the tenant may be under way; 0: no limit. */
    public int tenantConcurrent() {
        return limit(tenantConcurrent);
    }

    /** How many of the project may be; 0: no limit of its own. */
    public int projectConcurrent() {
        return limit(projectConcurrent);
    }

    private static int limit(@Nullable Long limit) {
        return limit == null ? 0 : (int) Math.min(limit, Integer.MAX_VALUE);
    }

    /** {@code x-ratelimit-*}: what the answer tells about the limits. */
    public Map<String, String> headers() {
        return headers;
    }

    /** The answer has ended: its place is free; what the job used is the ledger's to settle. */
    @Override
    public void close() {
        end(true);
    }

    /** The job was not sent, as far as is known: it holds nothing any more. */
    public void release() {
        end(false);
    }

    private void end(boolean sent) {
        if (open.compareAndSet(true, false)) {
            end.accept(sent);
        }
    }
}
