package io.altiplano.scheduler.app;

import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.utils.Time;

/**
 * The time at the start, and from then on what has passed by the monotonic clock: the machine's other clock may be set while we
 * run. Were it set ahead, every worker would seem silent and every job late; were it set back, no tick would come until it is
 * again as late as it was.
 */
final class SteadyTime implements Time {
    private final LongSupplier nanos;
    private final long startMs;
    private final long startNanos;

    SteadyTime() {
        this(Time.SYSTEM::milliseconds, System::nanoTime);
    }

    SteadyTime(LongSupplier millis, LongSupplier nanos) {
        this.nanos = nanos;
        startMs = millis.getAsLong();
        startNanos = nanos.getAsLong();
    }

    @Override
    public long milliseconds() {
        return startMs + (nanos.getAsLong() - startNanos) / 1_000_000;
    }

    @Override
    public long nanoseconds() {
        return nanos.getAsLong();
    }

    @Override
    public void sleep(long ms) {
        Time.SYSTEM.sleep(ms);
    }

    @Override
    public void waitObject(Object monitor, Supplier<Boolean> condition, long untilMs) throws InterruptedException {
        synchronized (monitor) {
            while (!condition.get()) {
                long left = untilMs - milliseconds();
                if (left <= 0) {
                    throw new TimeoutException("the condition did not hold in time");
                }
                monitor.wait(left);
            }
        }
    }
}
