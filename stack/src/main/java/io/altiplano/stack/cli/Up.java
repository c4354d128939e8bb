package io.altiplano.stack.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.ManagedProcess;
import io.altiplano.stack.infra.Ports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Starts the whole platform, keeps it running and stops it: the supervisor. */
@Command(name = "up", description = "Starts the whole platform and keeps it running until Ctrl-C.")
final class Up implements Callable<Integer> {
    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Option(names = "--root", required = true)
    private Path root = Path.of("");

    @Option(names = "--workers", defaultValue = "1")
    private int workers = 1;

    @Option(names = "--tp", defaultValue = "2")
    private int tensorParallel = 2;

    @Option(names = "--port", defaultValue = "8080")
    private int port = 8080;

    @Option(names = "--fresh")
    private boolean fresh;

    @Override
    public Integer call() throws Exception {
        long began = System.nanoTime();
        Home here = new Home(home.toAbsolutePath());
        PortPlan ports = new PortPlan(port, workers);
        requireFree(ports);
        requireSplit(root.toAbsolutePath().resolve("starter-model/model/config.json"));
        Path pidFile = here.folder().resolve("supervisor.pid");
        Files.createDirectories(here.dirs().run());
        Files.deleteIfExists(here.ready());
        if (fresh) {
            empty(here);
        }
        long pid = ProcessHandle.current().pid();
        Files.writeString(pidFile, pid + " " + ManagedProcess.startTicks(pid) + "\n");
        Parts parts = new Parts();
        Start start = new Start(here, root.toAbsolutePath(), ports, tensorParallel, parts, true);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            System.out.println("Stopping");
                            stop(parts, here, pidFile, start);
                            System.out.println("Stopped");
                            stopped.countDown();
                        },
                        "stop"));
        try {
            start.run();
            Files.writeString(here.ready(), "");
            System.out.printf(
                    "%nUp in %.1f s.%n",
                    Duration.ofNanos(System.nanoTime() - began).toMillis() / 1000.0);
            System.out.println(Summary.text(here, ports));
            stopped.await();
            return 0;
        } catch (InfraException | CompletionException | IllegalStateException e) {
            if (!parts.closing()) {
                Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
                System.err.println("altiplano: " + cause.getMessage());
            }
            return 1;
        }
    }

    private static void stop(Parts parts, Home here, Path pidFile, Start start) {
        here.ready().toFile().delete();
        parts.close();
        start.learn();
        try {
            // Another supervisor's file is not ours to take away.
            if (Files.readString(pidFile).startsWith(ProcessHandle.current().pid() + " ")) {
                Files.delete(pidFile);
            }
        } catch (IOException e) {
            System.err.println("altiplano: cannot remove " + pidFile + ": " + e);
        }
    }

    private static void requireFree(PortPlan ports) {
        ports.byName().forEach((name, number) -> {
            if (!Ports.isFree(number)) {
                throw new InfraException("port " + number + " on 127.0.0.1, which " + name
                        + " needs, is taken; stop what listens there or set ALTIPLANO_PORT to another first port");
            }
        });
    }

    /** Every worker serves the starter model, so its KV heads bound the ranks. */
    private void requireSplit(Path config) throws IOException {
        int heads = new ObjectMapper()
                .readTree(config.toFile())
                .path("num_key_value_heads")
                .asInt();
        if (tensorParallel < 1 || heads % tensorParallel != 0) {
            throw new InfraException("--tp " + tensorParallel + " does not divide the " + heads
                    + " KV heads of the starter model, which every worker serves; use a divisor of " + heads);
        }
    }

    /** Removes data, secrets, models and logs; keeps what was built and unpacked. */
    static void empty(Home here) throws IOException {
        for (String name : List.of("data", "logs", "models", "secrets", "env", "audit", "audit-signing-key.pem")) {
            Path path = here.folder().resolve(name);
            if (Files.exists(path)) {
                try (Stream<Path> all = Files.walk(path)) {
                    for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                        // The terminal's own log may be among them and is written to while this runs.
                        Files.deleteIfExists(p);
                    }
                }
            }
        }
    }
}
