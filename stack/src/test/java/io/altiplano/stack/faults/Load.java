package io.altiplano.stack.faults;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Steady load: clients that ask one question after the other, streaming or not, some hanging up, some reading slowly, some as
 * batch work, some asking again under the same Idempotency-Key until they have the answer, and then once more. What each does
 * is drawn from the seed; when it does it is the platform's to say.
 */
final class Load implements AutoCloseable {
    /** How long a client waits after a refusal, at most: real ones come back later, and the platform is to be kept busy. */
    private static final long LONGEST_PAUSE_MILLIS = 500;

    /** How long a client that carries a key goes on asking when the load is over: an accepted request is not given up. */
    private static final Duration PERSISTENCE = Duration.ofSeconds(45);

    private final Collection<Seen> seen = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<Question> questions = Question.all();
    private volatile boolean stopped;
    private volatile long stoppedNanos;

    /**
     * Starts it.
     *
     * @param clients each asks by itself, one request at a time
     */
    static Load start(List<Client> clients, long seed) {
        Load load = new Load();
        for (int i = 0; i < clients.size(); i++) {
            Client client = clients.get(i);
            Random random = new Random(seed * 1_000 + i);
            load.threads.add(Thread.ofVirtual().name("client-" + i).start(() -> load.run(client, random)));
        }
        return load;
    }

    /** Starts clients that stream one long question after the other, without a pause. */
    static Load steady(List<Client> clients) {
        Load load = new Load();
        Question longest = load.questions.stream()
                .max(Comparator.comparingInt(Question::least))
                .orElseThrow();
        for (Client client : clients) {
            load.threads.add(Thread.ofVirtual().start(() -> {
                while (!load.stopped) {
                    load.seen.add(client.stream(longest, Integer.MAX_VALUE, 0));
                }
            }));
        }
        return load;
    }

    private void run(Client client, Random random) {
        try {
            while (!stopped) {
                if (random.nextInt(8) == 0) {
                    again(client, random);
                } else {
                    pause(add(one(client, random)), random);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Seen add(Seen result) {
        seen.add(result);
        return result;
    }

    private static void pause(Seen last, Random random) throws InterruptedException {
        if (last.end() != Seen.End.WHOLE && last.end() != Seen.End.LEFT) {
            Thread.sleep(random.nextLong(50, LONGEST_PAUSE_MILLIS));
        }
    }

    private Question any(Random random) {
        return questions.get(random.nextInt(questions.size()));
    }

    private Seen one(Client client, Random random) {
        Question question = any(random);
        boolean flex = random.nextInt(5) == 0;
        return switch (random.nextInt(10)) {
            case 0, 1, 2 -> client.ask(question, null, flex);
            case 3 -> client.stream(question, null, flex, random.nextInt(1, question.least()), 0);
            case 4 -> client.stream(question, null, flex, Integer.MAX_VALUE, random.nextLong(5, 40));
            default -> client.stream(question, null, flex, Integer.MAX_VALUE, 0);
        };
    }

    /** One request under one key, asked until its answer is there and then once more; a tenant that has had enough is told so. */
    private void again(Client client, Random random) throws InterruptedException {
        Question question = any(random);
        String key = Long.toHexString(random.nextLong());
        boolean stream = random.nextBoolean();
        int whole = 0;
        // The first one may hang up: that ends nothing.
        int leaveAfter = stream && random.nextInt(3) == 0 ? random.nextInt(1, question.least()) : Integer.MAX_VALUE;
        while (whole < 2 && !(stopped && System.nanoTime() - stoppedNanos > PERSISTENCE.toNanos())) {
            Seen result =
                    add(stream ? client.stream(question, key, false, leaveAfter, 0) : client.ask(question, key, false));
            leaveAfter = Integer.MAX_VALUE;
            if (result.end() == Seen.End.WHOLE) {
                whole++;
            } else if (result.status() == Seen.TOO_MUCH) {
                return;
            }
            pause(result, random);
        }
    }

    /** Requests that have ended so far. */
    int ended() {
        return seen.size();
    }

    /** Lets every client finish what it is at, and tells what all saw. */
    List<Seen> stop() {
        if (!stopped) {
            stoppedNanos = System.nanoTime();
        }
        stopped = true;
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
        return List.copyOf(seen);
    }

    @Override
    public void close() {
        stop();
    }
}
