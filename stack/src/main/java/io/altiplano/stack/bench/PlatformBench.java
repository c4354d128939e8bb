package io.altiplano.stack.bench;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.ManagedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Measures what gateway, Kafka and scheduler add to an answer, with a worker that has no model, everything on one machine:
 * time to the first token, time a token, requests a second beside the same gateway's direct answers, and the gateway's
 * memory under many open streams.
 */
public final class PlatformBench {
    private static final String DATA = "data: ";
    private static final String CONTENT = "\"content\":\"";
    private static final String PATH = "/v1/chat/completions";
    private static final int FEW = 16;
    private static final int ROUNDS = 7;

    /** Always as many, so that two runs are compiled alike. Two runs that waited for rounds to get no faster took 8 and 15. */
    private static final int WARM_UPS = 12;

    private static final Duration A_STEP = Duration.ofMillis(25);

    private final int port;
    private final String key;
    private final String model;
    private final Map<String, Supplier<ManagedProcess>> processes;

    /**
     * Over a platform without workers.
     *
     * @param port the gateway's on 127.0.0.1
     * @param key of a tenant whose plan allows thousands of requests at once
     * @param processes whose processor time is told apart, by name; the memory of "gateway" is read
     */
    public PlatformBench(int port, String key, String model, Map<String, Supplier<ManagedProcess>> processes) {
        this.port = port;
        this.key = key;
        this.model = model;
        this.processes = Map.copyOf(processes);
    }

    /** A worker without a model for the platform, so that it can come up. */
    public static AutoCloseable worker(KafkaConfig kafka, String pool, String model) {
        return new NoModelWorker(kafka, new Topics(""), pool, model, A_STEP);
    }

    /**
     * Times of streams, in ms.
     *
     * @param atOnce to the first token, of the streams that began at one instant
     * @param after to the first token, of those that each followed another on its connection
     */
    private record Streams(double[] atOnce, double[] after, double[] token, int failed) {}

    /** Measures all and prints. */
    public void run(int seconds) {
        warmUp(seconds);
        System.out.printf(
                "%n%-44s %10s %10s %10s   %s%n",
                "added by the platform, without model time", "p50", "p90", "p99", "aim");
        Streams one = streams(1, Math.max(40, seconds * 8), 8);
        print("time to first token, 1 stream (ms)", one.after, "p50 <= 15");
        print("per token, 1 stream (ms)", one.token, "p50 <= 5, p99 <= 60");
        Streams many = streams(64, Math.max(4, seconds / 2), 100);
        print("time to first token, 64 streams (ms)", many.after, "p50 <= 40");
        print("the same, begun at one instant (ms)", many.atOnce, "p50 <= 40");
        print("per token, 64 streams (ms)", many.token, "p50 <= 5, p99 <= 60");
        if (one.failed + many.failed > 0) {
            System.out.printf("%d streams did not end well%n", one.failed + many.failed);
        }
        rates(seconds);
        memory(seconds);
    }

    /** Goes all ways until the compilers are done. */
    private void warmUp(int seconds) {
        System.out.printf("%nWarming up, %d rounds%n", WARM_UPS);
        double first = 0;
        double last = 0;
        for (int round = 0; round < WARM_UPS; round++) {
            Streams unusedTimes = streams(8, 2, 30);
            double unusedRate = rate(8, direct(), Math.max(1, seconds / 3));
            last = rate(32, queued(), seconds);
            first = round == 0 ? last : first;
        }
        System.out.printf(
                Locale.ROOT, "In the last %.0f requests a second through the queue, in the first %.0f%n", last, first);
    }

    private static void print(String what, double[] ms, String aim) {
        System.out.printf(
                Locale.ROOT, "%-44s %10.1f %10.1f %10.1f   %s%n", what, at(ms, 0.5), at(ms, 0.9), at(ms, 0.99), aim);
    }

    private static double at(double[] sorted, double quantile) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.min(sorted.length - 1, quantile * sorted.length)];
    }

    /** So many connections, each with so many streams one after the other. */
    private Streams streams(int connections, int each, int tokens) {
        ConcurrentLinkedQueue<Double> atOnce = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Double> after = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Double> token = new ConcurrentLinkedQueue<>();
        AtomicInteger failed = new AtomicInteger();
        inParallel(connections, i -> {
            try (LeanClient client = new LeanClient(port, key)) {
                for (int n = 0; n < each; n++) {
                    // Answers of different lengths, so that streams do not begin in lockstep.
                    int length = tokens / 2 + (i * 37 + n * 61) % (tokens + 1);
                    long sent = System.nanoTime();
                    boolean[] began = {false};
                    ConcurrentLinkedQueue<Double> first = n == 0 ? atOnce : after;
                    int status = client.send("POST", PATH, chat(true, Math.max(2, length)), (line, at) -> {
                        long made = made(line);
                        if (made == 0) {
                            return;
                        }
                        if (began[0]) {
                            token.add((at - made) / 1e6);
                        } else {
                            began[0] = true;
                            first.add((at - sent) / 1e6);
                        }
                    });
                    if (status != 200 || !began[0]) {
                        failed.incrementAndGet();
                    }
                }
            } catch (IOException e) {
                failed.incrementAndGet();
            }
        });
        return new Streams(sorted(atOnce), sorted(after), sorted(token), failed.get());
    }

    private static double[] sorted(ConcurrentLinkedQueue<Double> values) {
        double[] all = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(all);
        return all;
    }

    /** When the token of a server-sent event was made, 0 if the line holds none. */
    private static long made(String line) {
        int content = line.startsWith(DATA) ? line.indexOf(CONTENT) : -1;
        int end = content < 0 ? -1 : line.indexOf(' ', content);
        if (end < 0) {
            return 0;
        }
        try {
            return Long.parseLong(line, content + CONTENT.length(), end, 10);
        } catch (NumberFormatException e) {
            // The first event's content is empty.
            return 0;
        }
    }

    private String queued() {
        return chat(false, FEW);
    }

    /**
     * For the same gateway, key and body, but for more tokens than the context has: read, rendered, encoded and counted among
     * the minute's requests, then answered at once, with no licence asked, nothing reserved, queued or billed.
     */
    private String direct() {
        return queued().replace("\"max_tokens\":" + FEW, "\"max_tokens\":100000000");
    }

    /** And of a model that there is not: little more than the key and the body's syntax. */
    private String barely() {
        return queued().replace('"' + model + '"', "\"no-such-model\"");
    }

    private void rates(int seconds) {
        System.out.printf(
                "%n%-38s %8s %8s %8s %8s %8s%n",
                "requests a second, not streamed", "queued", "direct", "ratio", "barely", "ratio");
        List<Double> ratios = new ArrayList<>();
        Spent throughQueue = new Spent();
        Spent directly = new Spent();
        for (int round = 0; round < ROUNDS; round++) {
            double through = throughQueue.rate(queued(), seconds);
            double at = directly.rate(direct(), seconds);
            double least = rate(32, barely(), seconds);
            ratios.add(through / at);
            System.out.printf(
                    Locale.ROOT,
                    "%-38s %8.0f %8.0f %7.0f%% %8.0f %7.0f%%%n",
                    "32 connections",
                    through,
                    at,
                    100 * through / at,
                    least,
                    100 * through / least);
        }
        ratios.sort(null);
        System.out.printf(
                Locale.ROOT,
                "%-38s %25.0f%%   aim >= 40%%, %.0f to %.0f%%%n",
                "median of " + ROUNDS,
                100 * ratios.get(ROUNDS / 2),
                100 * ratios.getFirst(),
                100 * ratios.getLast());
        throughQueue.print("queued");
        directly.print("direct");
    }

    /** Where the processor time of requests of one kind goes, over all rounds. */
    private final class Spent {
        private final Map<String, Long> millis = new TreeMap<>();
        private double requests;

        double rate(String body, int seconds) {
            Map<String, Long> before = processorMillis();
            double rate = PlatformBench.this.rate(32, body, seconds);
            processorMillis().forEach((name, ms) -> millis.merge(name, ms - before.getOrDefault(name, 0L), Long::sum));
            requests += rate * seconds;
            return rate;
        }

        void print(String what) {
            StringBuilder text = new StringBuilder("processor ms a request, " + what + ":");
            millis.forEach((name, ms) -> text.append(String.format(Locale.ROOT, " %s %.2f", name, ms / requests)));
            long all = millis.values().stream().mapToLong(Long::longValue).sum();
            System.out.println(text.append(String.format(Locale.ROOT, ", in all %.2f", all / requests)));
        }
    }

    private Map<String, Long> processorMillis() {
        Map<String, Long> all = new TreeMap<>();
        processes.forEach((name, process) -> ProcessHandle.of(process.get().pid())
                .ifPresent(running -> all.put(name, ProcessorTime.withChildren(running))));
        all.put("bench", ProcessorTime.millis(ProcessHandle.current().pid()));
        return all;
    }

    /** Requests a second over the connections; refusals count where they are the answer that is measured. */
    private double rate(int connections, String body, int seconds) {
        AtomicInteger done = new AtomicInteger();
        long began = System.nanoTime();
        long until = began + Duration.ofSeconds(seconds).toNanos();
        inParallel(connections, i -> {
            try (LeanClient client = new LeanClient(port, key)) {
                while (System.nanoTime() < until) {
                    int status = client.send("POST", PATH, body, (line, at) -> {});
                    if (status >= 500 || status == 429) {
                        throw new InfraException("the gateway answered " + status + " under load");
                    }
                    done.incrementAndGet();
                }
            } catch (IOException e) {
                throw new InfraException("the gateway dropped a connection: " + e.getMessage(), e);
            }
        });
        return done.get() / ((System.nanoTime() - began) / 1e9);
    }

    private void memory(int seconds) {
        System.out.printf("%nresident memory of the gateway (MiB)%n");
        System.out.printf("%-44s %10d%n", "idle", residentMebibytes());
        List<LeanClient> open = new ArrayList<>();
        try {
            for (int i = 0; i < 1_000; i++) {
                LeanClient client = new LeanClient(port, key);
                client.sendOnly("POST", PATH, chat(true, 4_000));
                open.add(client);
                // The first 800 read at all times; the others never do.
                if (i < 800) {
                    var unused = CompletableFuture.runAsync(client::discard, Thread::startVirtualThread);
                }
            }
            for (int quarter = 1; quarter <= 4; quarter++) {
                Thread.sleep(Duration.ofSeconds(seconds).toMillis() / 2);
                System.out.printf(
                        "%-44s %10d%n",
                        "1,000 streams open, 200 never read, " + quarter * seconds / 2 + " s", residentMebibytes());
            }
        } catch (IOException e) {
            throw new InfraException("the gateway took " + open.size() + " streams and no more: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.forEach(LeanClient::close);
        }
    }

    private ManagedProcess gateway() {
        Supplier<ManagedProcess> gateway = processes.get("gateway");
        if (gateway == null) {
            throw new IllegalStateException("no process named gateway among " + processes.keySet());
        }
        return gateway.get();
    }

    private long residentMebibytes() {
        try {
            return Files.readAllLines(Path.of("/proc/" + gateway().pid() + "/status")).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            throw new InfraException("cannot read the gateway's memory: " + e.getMessage(), e);
        }
    }

    private String chat(boolean stream, int tokens) {
        return "{\"model\":\"" + model + "\",\"stream\":" + stream + ",\"max_tokens\":" + tokens
                + ",\"messages\":[{\"role\":\"user\",\"content\":\"Tell me a long story about a mountain village.\"}]}";
    }

    private static void inParallel(int count, java.util.function.IntConsumer each) {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int n = i;
                all.add(CompletableFuture.runAsync(() -> each.accept(n), threads));
            }
            all.forEach(CompletableFuture::join);
        }
    }
}
