package io.altiplano.scheduler.app;

import io.altiplano.scheduler.core.Effect;
import io.altiplano.scheduler.topology.Observer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;
import org.jboss.logging.Logger;

/**
 * Logs and metrics. A log line is the event's name, then fixed keys: {@code LeaseGranted epoch=2 job=... worker=...
 * partition=... detail}.
 */
@ApplicationScoped
class Watch implements Observer {
    private static final Logger LOG = Logger.getLogger("io.altiplano.scheduler");

    private final MeterRegistry registry;
    private final Map<Integer, Numbers> numbers = new ConcurrentHashMap<>();
    private final Map<Integer, Long> tickedNanos = new ConcurrentHashMap<>();

    Watch(MeterRegistry registry) {
        this.registry = registry;
        gauge("altiplano.scheduler.jobs.waiting", "Jobs waiting for a worker", Numbers::waiting);
        gauge("altiplano.scheduler.jobs.leased", "Jobs promised to workers", Numbers::leased);
        gauge("altiplano.scheduler.jobs.unfinished", "Jobs not finished", Numbers::unfinished);
        gauge("altiplano.scheduler.workers", "Workers that may be given work", Numbers::workers);
    }

    private void gauge(String name, String help, ToDoubleFunction<Numbers> of) {
        Gauge.builder(name, numbers, n -> n.values().stream().mapToDouble(of).sum())
                .description(help)
                .strongReference(true)
                .register(registry);
    }

    @Override
    public void happened(int partition, Effect.Happened h) {
        registry.counter("altiplano.scheduler.events", Tags.of("event", h.what().toString()))
                .increment();
        Logger.Level level =
                switch (h.what()) {
                    case JOB_REPEATED, LEASE_GRANT_REPEATED, JOB_FINISH_REPEATED -> Logger.Level.DEBUG;
                    case LEASES_REFRESHED, DECISION_REPEATED -> Logger.Level.WARN;
                    default -> Logger.Level.INFO;
                };
        LOG.logf(
                level,
                "%s epoch=%d job=%s worker=%s partition=%d %s",
                h.what(),
                h.epoch(),
                h.jobId().isEmpty() ? "-" : h.jobId(),
                h.worker().isEmpty() ? "-" : h.worker(),
                partition,
                h.detail());
    }

    @Override
    public void skipped(String topic, int partition, long offset, String why) {
        registry.counter("altiplano.scheduler.records.skipped", Tags.of("topic", topic))
                .increment();
        LOG.errorf("RecordSkipped topic=%s partition=%d offset=%d why=%s", topic, partition, offset, why);
    }

    @Override
    public void numbers(int partition, Numbers now) {
        numbers.put(partition, now);
        tickedNanos.put(partition, System.nanoTime());
    }

    @Override
    public void released(int partition) {
        numbers.remove(partition);
        tickedNanos.remove(partition);
    }

    /** Whether some partition is held here, and each has had a tick since a moment of the monotonic clock. */
    boolean tickedSince(long nanos) {
        return !tickedNanos.isEmpty() && tickedNanos.values().stream().allMatch(ticked -> ticked - nanos >= 0);
    }

    /** Partitions that make decisions here. */
    long caughtUp() {
        return numbers.values().stream().filter(Numbers::caughtUp).count();
    }
}
