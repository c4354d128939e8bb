package io.altiplano.gateway.entitlement;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Lets asks that come while others are on their way go together: one round trip and one commit for all of them. An ask that
 * finds a call free goes at once, so alone it waits for nobody; the busier it gets, the more of them share one. Asks for which
 * nobody waits may linger, so that more of them go together.
 *
 * @param <A> asks
 * @param <R> answers, one an ask and in their order
 */
final class Combiner<A, R> {
    /** More than one, so that asks of a tenant whose row somebody holds do not keep all others waiting. */
    private static final int CALLS = 3;

    private static final int MOST_TOGETHER = 64;

    private final Function<List<A>, List<R>> call;
    private final ConcurrentLinkedQueue<Waiting<A, R>> queue = new ConcurrentLinkedQueue<>();
    private final Semaphore free;
    private final Semaphore hurried = new Semaphore(0);
    private final Duration linger;

    private record Waiting<A, R>(A ask, CompletableFuture<R> answer) {}

    Combiner(Function<List<A>, List<R>> call) {
        this(call, CALLS, Duration.ZERO);
    }

    private Combiner(Function<List<A>, List<R>> call, int calls, Duration linger) {
        this.call = call;
        this.free = new Semaphore(calls);
        this.linger = linger;
    }

    /** One call at a time, and each only after the asks have lingered, or when somebody is in a {@link #hurry}. */
    static <A, R> Combiner<A, R> lingering(Function<List<A>, List<R>> call, Duration linger) {
        return new Combiner<>(call, 1, linger);
    }

    /**
     * The answer; waits for it.
     *
     * @throws RuntimeException as the call threw it
     */
    R ask(A ask) throws InterruptedException {
        try {
            return tell(ask).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failed) {
                throw failed;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    /** The answer to come. */
    CompletableFuture<R> tell(A ask) {
        CompletableFuture<R> answer = new CompletableFuture<>();
        queue.add(new Waiting<>(ask, answer));
        begin();
        return answer;
    }

    /** What lingers goes now. */
    void hurry() {
        if (!queue.isEmpty() && hurried.availablePermits() == 0) {
            hurried.release();
        }
    }

    private void begin() {
        if (free.tryAcquire()) {
            Thread.ofVirtual().name("combined-asks").start(this::work);
        }
    }

    private void work() {
        try {
            linger();
            for (List<Waiting<A, R>> together = next(); !together.isEmpty(); together = next()) {
                answer(together);
                if (!queue.isEmpty()) {
                    linger();
                }
            }
        } finally {
            free.release();
        }
        // Who came after the last look and found no call free is not forgotten.
        if (!queue.isEmpty()) {
            begin();
        }
    }

    private void linger() {
        try {
            if (linger.isPositive() && hurried.tryAcquire(linger.toNanos(), TimeUnit.NANOSECONDS)) {
                hurried.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private List<Waiting<A, R>> next() {
        List<Waiting<A, R>> together = new ArrayList<>();
        while (together.size() < MOST_TOGETHER) {
            Waiting<A, R> one = queue.poll();
            if (one == null) {
                break;
            }
            together.add(one);
        }
        return together;
    }

    private void answer(List<Waiting<A, R>> together) {
        try {
            List<R> answers = call.apply(together.stream().map(Waiting::ask).toList());
            for (int i = 0; i < together.size(); i++) {
                together.get(i).answer.complete(answers.get(i));
            }
        } catch (Throwable e) {
            together.forEach(one -> one.answer.completeExceptionally(e));
        }
    }
}
