package io.altiplano.scheduler.core;

import com.sun.management.ThreadMXBean;
import io.altiplano.scheduler.queue.ClassShares;
import io.altiplano.scheduler.queue.CountedQueue;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a decision costs by counts, which no other process disturbs, and in time of its thread: a line of CSV for each number of
 * tenants, printed and written to {@code docs/plots} when run in the module's folder. Comparisons are those of the queue's sharers; bytes are what a step allocates.
 */
final class DecideWork {
    private static final int[] TENANTS = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000};
    private static final int STEPS = 200_000;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private DecideWork() {}

    public static void main(String[] arguments) throws IOException {
        measure(500);
        List<String> lines = new ArrayList<>(List.of("tenants,comparisons,bytes,processor_us,p50_us,p99_us"));
        for (int tenants : TENANTS) {
            lines.add(measure(tenants));
        }
        Files.write(Path.of("../docs/plots/scheduler-decide.csv"), lines);
        lines.forEach(System.out::println);
    }

    private static String measure(int tenants) {
        AtomicLong comparisons = new AtomicLong();
        Load load = new Load(tenants, pool -> CountedQueue.of(pool, ClassShares.DEFAULT, comparisons));
        comparisons.set(0);
        long[] nanos = new long[STEPS];
        long bytes = 0;
        long processor = 0;
        for (int i = 0; i < STEPS; i++) {
            load.next();
            long allocated = THREADS.getCurrentThreadAllocatedBytes();
            long used = THREADS.getCurrentThreadCpuTime();
            long began = System.nanoTime();
            load.step();
            nanos[i] = System.nanoTime() - began;
            processor += THREADS.getCurrentThreadCpuTime() - used;
            bytes += THREADS.getCurrentThreadAllocatedBytes() - allocated;
        }
        Arrays.sort(nanos);
        return String.format(
                Locale.ROOT,
                "%d,%.2f,%d,%.2f,%.2f,%.2f",
                tenants,
                (double) comparisons.get() / STEPS,
                bytes / STEPS,
                processor / 1e3 / STEPS,
                nanos[STEPS / 2] / 1e3,
                nanos[(int) (STEPS * 0.99)] / 1e3);
    }
}
