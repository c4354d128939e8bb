package io.altiplano.stack.faults;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Steady load: clients that ask one question after the other, streaming or not, some hanging up, some reading slowly. What
 * each does is drawn from the seed; when it does it is the platform's to say.
 */
final class Load implements AutoCloseable {
    /** How long a client waits after a refusal, at most: real ones come back later, and the platform is to be kept busy. */
    private static final long LONGEST_PAUSE_MILLIS = 500;

    private final Collection<Seen> seen = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<Question> questions = Question.all();
    private volatile boolean stopped;

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
                Seen result = one(client, random);
                seen.add(result);
                if (result.end() != Seen.End.WHOLE && result.end() != Seen.End.LEFT) {
                    Thread.sleep(random.nextLong(50, LONGEST_PAUSE_MILLIS));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Seen one(Client client, Random random) {
        Question question = questions.get(random.nextInt(questions.size()));
        return switch (random.nextInt(10)) {
            case 0, 1, 2 -> client.ask(question);
            case 3 -> client.stream(question, random.nextInt(1, question.least()), 0);
            case 4 -> client.stream(question, Integer.MAX_VALUE, random.nextLong(5, 40));
            default -> client.stream(question, Integer.MAX_VALUE, 0);
        };
    }

    /** Requests that have ended so far. */
    int ended() {
        return seen.size();
    }

    /** Lets every client finish what it is at, and tells what all saw. */
    List<Seen> stop() {
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
