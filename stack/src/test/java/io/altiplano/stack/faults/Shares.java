package io.altiplano.stack.faults;

import io.altiplano.stack.faults.Finding.Invariant;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * I7 for two tenants with equal weight and questions, however many they ask: their shares of served tokens, while both have work waiting.
 * Shares are owed only to who has. A flood begins with a burst of connections, in which a busy machine may bring one tenant's requests to
 * the queue seconds before the other's: the one is served alone, and the other is owed nothing and yet catches up with what is under
 * way. So the time from when that is over until they ask no more is looked at; and it is asked that both have some waiting all
 * along, that were not sent a moment ago and are still on their way.
 */
final class Shares {
    /** The larger share may be this much above the smaller. */
    private static final double FAIR = 0.10;
    /** In at least this share of the moments that are looked at, both have requests waiting. */
    private static final double BACKLOGGED = 0.95;

    private static final int MOMENTS = 500;
    /** Fewer served tokens than this say nothing about shares. */
    static final long ENOUGH = 10_000;
    /** The burst and its consequences: on the slowest machine so far both had some in the queue after 5 s, and had caught up after 9. */
    static final long BURST_NANOS = 12_000_000_000L;
    /** Whoever waited for so long does so in the queue, and not on a busy machine's way to it. */
    static final long SETTLED_NANOS = 2_000_000_000L;

    private final List<Seen> seen;
    private final long from;
    private final long until;

    private Shares(List<Seen> seen) {
        this.seen = seen;
        Map<String, LongSummaryStatistics> sent =
                seen.stream().collect(Collectors.groupingBy(Seen::tenant, Collectors.summarizingLong(Seen::sentNanos)));
        from = BURST_NANOS
                + sent.values().stream()
                        .mapToLong(LongSummaryStatistics::getMin)
                        .max()
                        .orElseThrow();
        until = sent.values().stream()
                .mapToLong(LongSummaryStatistics::getMax)
                .min()
                .orElseThrow();
    }

    /** What is wrong with the shares of two tenants, of which {@code seen} tells everything that they asked. */
    static List<Finding> unfair(List<Seen> seen, String one, String other) {
        return new Shares(seen).unfair(one, other);
    }

    private List<Finding> unfair(String one, String other) {
        long a = served(one);
        long b = served(other);
        if (a + b < ENOUGH) {
            return found("%d served tokens say nothing about shares", a + b);
        }
        double waited = Math.min(waited(one), waited(other));
        if (waited < BACKLOGGED) {
            return found("requests of %s and %s waited in %.2f of the time", one, other, waited);
        }
        if (Math.max(a, b) <= (1 + FAIR) * Math.min(a, b)) {
            return List.of();
        }
        return found("%s was served %d tokens, %s %d, with equal weight and work waiting", one, a, other, b);
    }

    private static List<Finding> found(String what, Object... details) {
        return List.of(new Finding(Invariant.I7, String.format(Locale.ROOT, what, details)));
    }

    /** Tokens of the requests that were begun to be served in the time that is looked at. */
    private long served(String tenant) {
        return seen.stream()
                .filter(s -> s.tenant().equals(tenant) && from <= s.firstNanos() && s.firstNanos() < until)
                .mapToLong(s -> s.promptTokens() + s.tokens())
                .sum();
    }

    /** In which share of the moments a request of this tenant was waiting that had been for a while. */
    private double waited(String tenant) {
        return IntStream.range(0, MOMENTS)
                        .mapToLong(i -> from + (until - from) / MOMENTS * i)
                        .filter(at -> seen.stream()
                                .anyMatch(s -> s.tenant().equals(tenant)
                                        && s.sentNanos() + SETTLED_NANOS <= at
                                        && at < s.firstNanos()))
                        .count()
                / (double) MOMENTS;
    }
}
