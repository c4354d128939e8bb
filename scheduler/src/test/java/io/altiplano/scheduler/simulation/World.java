package io.altiplano.scheduler.simulation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Virtual time, seeded chance, and logs: everything a simulated process has to do with any other. */
final class World {
    final RandomGenerator random;
    private static final long LOOK_EVERY_MS = 100;
    private final PriorityQueue<Action> agenda = new PriorityQueue<>(256);
    private long now = 1_700_000_000_000L;
    private long order;
    /** What was done to this world, by kind. */
    final Map<String, Integer> counts = new TreeMap<>();

    private record Action(long at, long order, Runnable run) implements Comparable<Action> {
        @Override
        public int compareTo(Action other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    World(long seed) {
        random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    long now() {
        return now;
    }

    /** A number of [from, to). */
    int between(int from, int to) {
        return random.nextInt(from, to);
    }

    boolean chance(double p) {
        return random.nextDouble() < p;
    }

    void count(String kind) {
        counts.merge(kind, 1, Integer::sum);
    }

    void after(long ms, Runnable run) {
        agenda.add(new Action(now + ms, order++, run));
    }

    /** Runs until a condition holds or so much virtual time has passed. */
    boolean runUntil(BooleanSupplier done, long mostMs) {
        long end = now + mostMs;
        long look = now;
        while (!agenda.isEmpty() && agenda.peek().at() <= end) {
            Action next = agenda.remove();
            if (next.at() >= look) {
                if (done.getAsBoolean()) {
                    agenda.add(next);
                    return true;
                }
                look = next.at() + LOOK_EVERY_MS;
            }
            now = next.at();
            next.run().run();
        }
        now = Math.max(now, end);
        return done.getAsBoolean();
    }

    /** A topic's partition. */
    static final class Log<T> {
        private final List<T> records = new ArrayList<>();

        void append(T record) {
            records.add(record);
        }

        int end() {
            return records.size();
        }

        T get(int offset) {
            return records.get(offset);
        }

        List<T> all() {
            return records;
        }
    }

    /**
     * A producer's way into logs: in order, each record after a delay. What is on its way when the process dies may be lost,
     * but only from some point on; what was acknowledged is not.
     */
    final class Wire {
        private final ArrayDeque<Sending> pending = new ArrayDeque<>();
        private long lastArrival;
        private boolean frozen;

        private record Sending(Runnable append) {}

        <T> void send(Log<T> log, T record, int mostDelayMs) {
            lastArrival = Math.max(lastArrival, now + between(1, mostDelayMs));
            Sending sending = new Sending(() -> log.append(record));
            pending.add(sending);
            after(lastArrival - now, () -> {
                if (!frozen && pending.peekFirst() == sending) {
                    pending.removeFirst();
                    sending.append.run();
                }
            });
        }

        /** Waits for all acknowledgements: all arrives now. */
        void flush() {
            arrive(pending.size());
        }

        private void arrive(int sendings) {
            for (int i = Math.min(sendings, pending.size()); i > 0; i--) {
                pending.removeFirst().append.run();
            }
        }

        /** Nothing arrives until {@link #thaw}. */
        void freeze() {
            frozen = true;
        }

        void thaw() {
            frozen = false;
            int late = pending.size();
            lastArrival = Math.max(lastArrival, now + between(1, 30));
            Sending last = pending.peekLast();
            after(lastArrival - now, () -> {
                if (last != null && pending.contains(last)) {
                    arrive(late);
                }
            });
        }

        /** The process died: a prefix arrives, the rest is lost. */
        void cut() {
            arrive(pending.isEmpty() ? 0 : between(0, pending.size() + 1));
            pending.clear();
        }
    }
}
