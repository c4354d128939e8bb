package io.altiplano.gateway.job;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What operators watch: jobs in and out, tokens relayed, time to the first token. */
@ApplicationScoped
class JobMetrics {
    private final MeterRegistry registry;
    private final Counter tokens;
    private final Counter stale;
    private final Counter retries;
    private final Timer firstToken;
    private final Map<JobStream, Long> waiting = new ConcurrentHashMap<>();

    @Inject
    JobMetrics(MeterRegistry registry) {
        this.registry = registry;
        tokens = Counter.builder("altiplano.tokens.relayed")
                .description("Generated tokens that came back from workers")
                .register(registry);
        stale = Counter.builder("altiplano.deltas.stale")
                .description("Deltas dropped because they told nothing new or their attempt was over")
                .register(registry);
        retries = Counter.builder("altiplano.jobs.retried")
                .description("Attempts that followed a lost one")
                .register(registry);
        firstToken = Timer.builder("altiplano.time.to.first.token")
                .description("From the acknowledged submission to the first delta")
                .publishPercentileHistogram()
                .register(registry);
    }

    void openStreams(Supplier<Number> count) {
        Gauge.builder("altiplano.streams.open", count)
                .description("Jobs whose answer is not complete")
                .strongReference(true)
                .register(registry);
    }

    void submitted(JobStream stream, String model) {
        registry.counter("altiplano.jobs.submitted", "model", model).increment();
        if (stream.relayedTokens() == 0 && !stream.ended()) {
            waiting.put(stream, System.nanoTime());
        }
    }

    void relayed(JobStream stream, int count) {
        tokens.increment(count);
        Long since = waiting.remove(stream);
        if (since != null) {
            firstToken.record(System.nanoTime() - since, TimeUnit.NANOSECONDS);
        }
    }

    void stale() {
        stale.increment();
    }

    void retried() {
        retries.increment();
    }

    void ended(JobStream stream, String outcome) {
        waiting.remove(stream);
        registry.counter("altiplano.jobs.ended", "outcome", outcome).increment();
    }
}
