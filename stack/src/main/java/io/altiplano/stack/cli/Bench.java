package io.altiplano.stack.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.platform.ChatClient;
import io.altiplano.stack.platform.ChatClient.Answer;
import io.altiplano.stack.platform.ChatClient.Message;
import io.altiplano.stack.platform.Demo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures the platform. {@code platform}: what gateway, Kafka and scheduler add, on a platform of its own whose worker has no
 * model. {@code start}: how long a service takes to be ready, on a platform of its own. {@code streams}: streams through the
 * running platform, for each its time to the first text, its tokens a second from there on, and the longest pause between two
 * pieces.
 */
@Command(name = "bench", description = "Measures the platform.")
final class Bench implements Runnable {
    private static final String PROMPT = "Tell me a long story about a mountain village.";

    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Option(names = "--streams", defaultValue = "4")
    private int streams = 4;

    @Option(names = "--tokens", defaultValue = "200")
    private int tokens = 200;

    @Option(names = "--model", defaultValue = Demo.MODEL)
    private String model = Demo.MODEL;

    @Option(names = "--root", required = true, hidden = true)
    private Path root = Path.of("");

    @Option(names = "--port", defaultValue = "8280")
    private int port = 8280;

    @Option(names = "--rounds", defaultValue = "5")
    private int rounds = 5;

    @Option(names = "--seconds", defaultValue = "8")
    private int seconds = 8;

    @Parameters(paramLabel = "NAME", defaultValue = "platform")
    private String name = "platform";

    /** One stream, times in seconds. */
    private record Measured(double first, double perSecond, double longestPause, long tokens) {}

    @Override
    public void run() {
        switch (name) {
            case "platform" -> onItsOwn(false, start -> start.bench().run(seconds));
            case "start" -> onItsOwn(true, start -> start.startBench().run(rounds));
            case "streams" -> streams();
            default -> throw new InfraException("no benchmark '" + name + "'; there are: platform, start, streams");
        }
    }

    /** On a platform of its own, beside one that may be up, in a folder that is emptied before. */
    private void onItsOwn(boolean withModel, Consumer<Start> measure) {
        Home own = new Home(home.toAbsolutePath().resolve("bench"));
        try {
            Up.empty(own);
            Files.createDirectories(own.folder());
            for (String shared : List.of("dist", "cache")) {
                Path link = own.folder().resolve(shared);
                Files.deleteIfExists(link);
                Files.createSymbolicLink(link, home.toAbsolutePath().resolve(shared));
            }
        } catch (IOException e) {
            throw new InfraException("cannot prepare " + own.folder() + ": " + e.getMessage(), e);
        }
        try (Parts parts = new Parts()) {
            Start start = new Start(own, root.toAbsolutePath(), new PortPlan(port, 1), 1, parts, withModel);
            start.run();
            measure.accept(start);
        }
    }

    private void streams() {
        Home here = new Home(home.toAbsolutePath());
        ChatClient client = new ChatClient(here.variable("ALTIPLANO_BASE_URL"), here.variable("ALTIPLANO_API_KEY"));
        System.out.printf("%d streams of %d tokens, %s, after a warm-up of as many%n", streams, tokens, model);
        measure(client);
        System.out.printf(
                "%8s %14s %10s %16s %8s%n", "stream", "first text ms", "tokens/s", "longest pause ms", "tokens");
        int i = 0;
        for (Measured m : measure(client)) {
            System.out.printf(
                    "%8d %14.0f %10.1f %16.0f %8d%n",
                    i++, m.first() * 1000, m.perSecond(), m.longestPause() * 1000, m.tokens());
        }
    }

    private List<Measured> measure(ChatClient client) {
        List<CompletableFuture<Measured>> running = new ArrayList<>();
        for (int i = 0; i < streams; i++) {
            long seed = i;
            running.add(CompletableFuture.supplyAsync(() -> one(client, seed), Thread::startVirtualThread));
        }
        return running.stream().map(CompletableFuture::join).toList();
    }

    private Measured one(ChatClient client, long seed) {
        ObjectNode options = ChatClient.noOptions();
        options.put("max_tokens", tokens)
                .put("min_tokens", tokens)
                .put("temperature", 0.9)
                .put("seed", seed);
        long sent = System.nanoTime();
        Answer answer = client.stream(model, List.of(new Message("user", PROMPT)), options, piece -> {});
        List<Long> at = answer.arrivals();
        long pause = 0;
        for (int i = 1; i < at.size(); i++) {
            pause = Math.max(pause, at.get(i) - at.get(i - 1));
        }
        double seconds = at.isEmpty() ? 0 : (at.getLast() - at.getFirst()) / 1e9;
        return new Measured(
                at.isEmpty() ? 0 : (at.getFirst() - sent) / 1e9,
                seconds == 0 ? 0 : (answer.completionTokens() - 1) / seconds,
                pause / 1e9,
                answer.completionTokens());
    }
}
