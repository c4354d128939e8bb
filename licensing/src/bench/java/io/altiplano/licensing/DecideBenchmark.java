package io.altiplano.licensing;

import java.time.Instant;
import java.time.YearMonth;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One decision about a base model, permitted and denied; the lineage is worked out beforehand, as the catalog does. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
public class DecideBenchmark {
    private static final Instant AT = Instant.parse("2026-01-15T12:00:00Z");

    private final LicenceEngine engine = new LicenceEngine();
    private final LicenceRequest permitted = request(1_200_000);
    private final LicenceRequest denied = request(812_000_000);

    private static LicenceRequest request(long users) {
        Licensee acme = Licensee.builder("acme")
                .attested(new Attestation(
                        "acme",
                        "llama-3.1",
                        YearMonth.of(2024, 6),
                        List.of(Figure.product("acme-app", users)),
                        "Ana Rojas",
                        AT.minusSeconds(60)))
                .accepted(new Acceptance("llama-3.1", "Ana Rojas", AT.minusSeconds(60)))
                .build();
        return new LicenceRequest(acme, Lineage.base("llama-3.1-starter", "llama-3.1"), Use.INFER, AT);
    }

    @Benchmark
    public Decision permit() {
        return engine.decide(permitted);
    }

    @Benchmark
    public Decision deny() {
        return engine.decide(denied);
    }
}
