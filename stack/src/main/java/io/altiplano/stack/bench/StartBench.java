package io.altiplano.stack.bench;

import io.altiplano.stack.infra.Dirs;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.ManagedProcess;
import io.altiplano.stack.infra.PlainHttp;
import io.altiplano.stack.platform.AotCache;
import io.altiplano.stack.platform.Supervised;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Measures how long a service takes from its process's start until it says that it is ready, with its AOT cache and without, in
 * turns, the others of its kind being stopped.
 */
public final class StartBench {
    private static final Duration LONGEST = Duration.ofSeconds(120);
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final Dirs dirs;
    private final List<Service> services;

    /**
     * A service that runs.
     *
     * @param app its folder
     * @param spec how it is started now
     * @param port its port on 127.0.0.1
     * @param running the process; it is stopped
     */
    public record Service(Path app, Supplier<ManagedProcess.Spec> spec, int port, Supervised running) {}

    /** Seconds until it was ready, and of processor time until then. */
    private record Took(double ready, double processor) {}

    /** Over services whose surroundings are up, in the order in which they are measured. */
    public StartBench(Dirs dirs, List<Service> services) {
        this.dirs = dirs;
        this.services = List.copyOf(services);
    }

    /** Measures all and prints. */
    public void run(int rounds) {
        System.out.printf(
                "%nMedians of %d starts each, in turns (s):%n%-12s %22s %22s %8s   %s%n%-12s %10s %11s %10s %11s%n",
                rounds,
                "",
                "without AOT cache",
                "with it",
                "ratio",
                "aim",
                "",
                "ready",
                "processor",
                "ready",
                "processor");
        for (Service service : services) {
            ManagedProcess.Spec first = service.spec().get();
            service.running().close();
            boolean unused = AotCache.assemble(service.app(), first);
            ManagedProcess.Spec with = service.spec().get();
            ManagedProcess.Spec without = AotCache.without(with);
            if (with.command().equals(without.command())) {
                throw new InfraException("no AOT cache could be made for " + with.name() + " in " + service.app());
            }
            Took[] slow = new Took[rounds];
            Took[] quick = new Took[rounds];
            for (int i = 0; i < rounds; i++) {
                slow[i] = once(without, service.port());
                quick[i] = once(with, service.port());
            }
            print(with.name(), slow, quick);
        }
    }

    private static void print(String name, Took[] slow, Took[] quick) {
        double before = median(slow, true);
        double now = median(quick, true);
        System.out.printf(
                Locale.ROOT,
                "%-12s %10.2f %11.2f %10.2f %11.2f %8.2f   <= 1.5%n",
                name,
                before,
                median(slow, false),
                now,
                median(quick, false),
                now / before);
    }

    private static double median(Took[] all, boolean ready) {
        double[] sorted = Arrays.stream(all)
                .mapToDouble(t -> ready ? t.ready() : t.processor())
                .sorted()
                .toArray();
        return sorted[sorted.length / 2];
    }

    private Took once(ManagedProcess.Spec spec, int port) {
        HttpRequest ready = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/ready"))
                .timeout(Duration.ofSeconds(5))
                .build();
        long began = System.nanoTime();
        ManagedProcess process = ManagedProcess.start(spec, dirs);
        try (HttpClient http = PlainHttp.client()) {
            while (!isReady(http, ready)) {
                process.requireAlive();
                if (System.nanoTime() - began > LONGEST.toNanos()) {
                    throw new InfraException(spec.name() + " was not ready within " + LONGEST.toSeconds() + " s");
                }
                // Each look costs what it looks at some processor time: it answers, and writes a line.
                LockSupport.parkNanos(25_000_000);
            }
            double took = (System.nanoTime() - began) / 1e9;
            return new Took(took, ProcessorTime.millis(process.pid()) / 1e3);
        } finally {
            process.stop(PATIENCE);
        }
    }

    private static boolean isReady(HttpClient http, HttpRequest ready) {
        try {
            return http.send(ready, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            // It does not listen yet.
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted", e);
        }
    }
}
