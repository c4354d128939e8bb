package io.altiplano.worker.app;

import io.altiplano.worker.engine.ModelObserver;
import io.altiplano.worker.engine.StepReport;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The engines' meters, each with the tag "model". */
final class StepMetrics implements ModelObserver {
    private static final StepReport NONE = new StepReport(0, 0, 0, 0, 0, 0, 0);

    private final MeterRegistry registry;
    private final ConcurrentHashMap<String, Meters> meters = new ConcurrentHashMap<>();

    StepMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    private static final class Latest {
        volatile StepReport report = NONE;
    }

    private record Meters(
            Counter computed, Counter generated, DistributionSummary batch, Timer step, Timer microStep, Latest last) {}

    @Override
    public void stepped(String model, StepReport report) {
        Meters m = meters.computeIfAbsent(model, this::register);
        m.last.report = report;
        if (report.computedTokens() > 0) {
            m.computed.increment(report.computedTokens());
            m.generated.increment(report.generatedTokens());
            m.batch.record(report.computedTokens());
            m.step.record(Duration.ofNanos(report.nanos()));
        }
    }

    @Override
    public void shared(String model, long nanos) {
        meters.computeIfAbsent(model, this::register).microStep.record(Duration.ofNanos(nanos));
    }

    private Meters register(String model) {
        Latest last = new Latest();
        gauge(
                "altiplano.worker.sequences.running",
                model,
                "Sequences that hold KV blocks",
                () -> last.report.running());
        gauge("altiplano.worker.sequences.waiting", model, "Sequences that wait", () -> last.report.waiting());
        gauge(
                "altiplano.worker.preemptions",
                model,
                "Sequences preempted since the start",
                () -> last.report.preemptions());
        gauge("altiplano.worker.kv.blocks.free", model, "KV blocks free", () -> last.report.freeBlocks());
        return new Meters(
                counter("altiplano.worker.tokens.computed", model, "Tokens computed, prompts and answers"),
                counter("altiplano.worker.tokens.generated", model, "Tokens chosen"),
                DistributionSummary.builder("altiplano.worker.step.tokens")
                        .description("Tokens computed in a step")
                        .tag("model", model)
                        .register(registry),
                Timer.builder("altiplano.worker.step")
                        .description("Duration of a step")
                        .tag("model", model)
                        .register(registry),
                Timer.builder("altiplano.worker.microstep")
                        .description("Duration of a micro-step of what shares the model's engine")
                        .tag("model", model)
                        .register(registry),
                last);
    }

    private Counter counter(String name, String model, String description) {
        return Counter.builder(name)
                .description(description)
                .tag("model", model)
                .register(registry);
    }

    private void gauge(String name, String model, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).tag("model", model).register(registry);
    }
}
