package io.altiplano.scheduler.core;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one decide() or apply() takes while 10,000 jobs of so many tenants wait: the distribution, p99 included. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgs = {"-Xms1g", "-Xmx1g", "-XX:+UseSerialGC"})
@Warmup(iterations = 3, time = 4)
@Measurement(iterations = 3, time = 4)
public class DecideBenchmark {
    @Param({"1", "10", "50", "500", "5000"})
    int tenants;

    // Set by fill(), which JMH calls first.
    @SuppressWarnings("NullAway.Init")
    private Load load;

    @Setup
    public void fill() {
        load = new Load(tenants);
    }

    /** Making an input is not what is measured: it costs a few hundred nanoseconds, and its timing is left out. */
    @Setup(Level.Invocation)
    public void next() {
        load.next();
    }

    @Benchmark
    public Object step() {
        return load.step();
    }
}
