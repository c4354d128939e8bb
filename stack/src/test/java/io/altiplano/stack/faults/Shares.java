package io.altiplano.stack.faults;

import io.altiplano.stack.faults.Finding.Invariant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * I7 for two tenants with equal weight and questions, however many they ask: their shares of served tokens, while both have work waiting.
 * Shares are owed only to who has. A flood begins with a burst of connections, in which a busy machine may bring one tenant's requests to
 * the queue many seconds before the other's: the one is served alone, and the other is owed nothing and yet catches up with what is under
 * way. So the longest time is looked at in which both had some in the queue without a break, from when what was under way at its
 * beginning is over; and it has to be long enough to say something.
 */
final class Shares {
    /** The larger share may be this much above the smaller. */
    private static final double FAIR = 0.10;

    /** Fewer served tokens than this say nothing about shares: some seventy requests, of which one more or less is at each edge. */
    static final long ENOUGH = 20_000;

    private final List<Seen> seen;
    private final Map<String, Long> queued;

    private record Span(long from, long until) {
        long length() {
            return until - from;
        }
    }

    private Shares(List<Seen> seen, Map<String, Long> queued) {
        this.seen = seen;
        this.queued = queued;
    }

    /**
     * What is wrong with the shares of two tenants.
     *
     * @param seen everything that they asked
     * @param queued by job, when it came to the queue, by the clock of {@code seen}
     */
    static List<Finding> unfair(List<Seen> seen, Map<String, Long> queued, String one, String other) {
        return new Shares(seen, queued).unfair(one, other);
    }

    private List<Finding> unfair(String one, String other) {
        Span both = longest(waiting(one), waiting(other));
        Span looked = new Span(
                seen.stream()
                        .filter(s -> s.firstNanos() < both.from && s.endNanos() > both.from)
                        .mapToLong(Seen::endNanos)
                        .max()
                        .orElse(both.from),
                both.until);
        long a = served(one, looked);
        long b = served(other, looked);
        if (a + b < ENOUGH) {
            return found(
                    "both had work waiting for %.1f s, in which %d tokens were served: they say nothing about shares",
                    both.length() / 1e9, a + b);
        }
        if (Math.max(a, b) <= (1 + FAIR) * Math.min(a, b)) {
            return List.of();
        }
        return found("%s was served %d tokens, %s %d, with equal weight and work waiting", one, a, other, b);
    }

    private static List<Finding> found(String what, Object... details) {
        return List.of(new Finding(Invariant.I7, String.format(Locale.ROOT, what, details)));
    }

    /** Tokens of the requests that were begun to be served meanwhile. */
    private long served(String tenant, Span span) {
        return seen.stream()
                .filter(s -> s.tenant().equals(tenant) && span.from <= s.firstNanos() && s.firstNanos() < span.until)
                .mapToLong(s -> s.promptTokens() + s.tokens())
                .sum();
    }

    /** The times, in order, in which a tenant had requests in the queue without a break. */
    private List<Span> waiting(String tenant) {
        List<Span> spans = new ArrayList<>();
        seen.stream()
                .filter(s -> s.tenant().equals(tenant) && s.firstNanos() != 0)
                .map(s -> new Span(queued.getOrDefault(s.job(), s.sentNanos()), s.firstNanos()))
                .sorted(Comparator.comparingLong(Span::from))
                .forEach(next -> {
                    Span last = spans.isEmpty() ? null : spans.getLast();
                    if (last == null || next.from > last.until) {
                        spans.add(next);
                    } else {
                        spans.set(spans.size() - 1, new Span(last.from, Math.max(last.until, next.until)));
                    }
                });
        return spans;
    }

    private static Span longest(List<Span> one, List<Span> other) {
        return one.stream()
                .flatMap(a -> other.stream().map(b -> new Span(Math.max(a.from, b.from), Math.min(a.until, b.until))))
                .max(Comparator.comparingLong(Span::length))
                .filter(span -> span.length() > 0)
                .orElse(new Span(0, 0));
    }
}
