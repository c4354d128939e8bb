package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.stack.faults.Finding.Invariant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is asked of two tenants' shares, against loads of which each has one thing wrong. */
class SharesTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long START = 1_000 * SECOND;
    private static final int TOKENS = 100;

    /** A tenant of whose requests so many are served each second of 20, of which each has waited for so many seconds. */
    private static Stream<Seen> load(String tenant, int waits, int servedPerSecond) {
        return load(tenant, waits, servedPerSecond, 0);
    }

    /** The same, but from a later second on. */
    private static Stream<Seen> load(String tenant, int waits, int servedPerSecond, int from) {
        return IntStream.range(from * servedPerSecond, 20 * servedPerSecond).mapToObj(i -> {
            long first = (long) (i / (double) servedPerSecond * SECOND);
            return seen(tenant, Math.max(from, first / SECOND - waits) * SECOND, first, TOKENS);
        });
    }

    private static Seen seen(String tenant, long queued, long first, int tokens) {
        String job = UUID.randomUUID().toString();
        long at = START + first;
        return new Seen(
                tenant, 0, null, true, Seen.End.WHOLE, job, 200, "", true, 0, tokens, "", START + queued, at, at + 1);
    }

    private static List<Finding> unfair(Stream<Seen> north, Stream<Seen> south) {
        List<Seen> all = Stream.concat(north, south).toList();
        // All were sent at once; when they came to the queue is told apart.
        List<Seen> sent = all.stream()
                .map(s -> s.at(START - 9 * SECOND, s.firstNanos(), s.endNanos()))
                .toList();
        return Shares.unfair(
                sent, all.stream().collect(Collectors.toMap(Seen::job, Seen::sentNanos)), "north", "south");
    }

    @Test
    void equalTenantsThatAreServedAlikeAreFair() {
        assertThat(unfair(load("north", 4, 10), load("south", 4, 10))).isEmpty();
        assertThat(unfair(load("north", 4, 20), load("south", 4, 19))).isEmpty();
    }

    @Test
    void unequalServiceOfEqualTenantsIsFound() {
        assertThat(unfair(load("north", 4, 10), load("south", 4, 8)))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.invariant()).isEqualTo(Invariant.I7);
                    assertThat(finding.what()).contains("north was served").contains("equal weight");
                });
    }

    @Test
    void whatOneTenantWasServedBeforeTheOthersRequestsCameToTheQueueIsNobodysShare() {
        assertThat(unfair(load("north", 4, 20), load("south", 4, 20, 9))).isEmpty();
    }

    @Test
    void whatOneTenantIsServedMoreWhileBothHaveSomeInTheQueueIsFound() {
        assertThat(unfair(Stream.concat(more("north"), load("north", 4, 10)), load("south", 4, 10)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("north was served"));
    }

    /** Ten further requests a second for seven seconds. */
    private static Stream<Seen> more(String tenant) {
        return IntStream.range(0, 70)
                .mapToObj(i -> 9 * SECOND + i * SECOND / 10)
                .map(first -> seen(tenant, first - 4 * SECOND, first, TOKENS));
    }

    @Test
    void whatWasUnderWayWhenBothBeganToWaitIsNobodysShare() {
        // given: north's of the first second last until the tenth
        Stream<Seen> north = load("north", 4, 20).map(s -> s.firstNanos() >= START + SECOND ? s : lasting(s, 10));
        Stream<Seen> catchingUp = IntStream.range(0, 70)
                .mapToObj(i -> 2 * SECOND + i * SECOND / 10)
                .map(first -> seen("south", first - SECOND, first, TOKENS));

        // then
        assertThat(unfair(north, Stream.concat(catchingUp, load("south", 4, 20, 1))))
                .isEmpty();
    }

    private static Seen lasting(Seen s, int seconds) {
        return s.at(s.sentNanos(), s.firstNanos(), s.firstNanos() + seconds * SECOND);
    }

    @Test
    void tooFewTokensSayNothing() {
        assertThat(unfair(load("north", 4, 1), load("south", 4, 1)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("say nothing"));
    }

    @Test
    void sharesOfATenantThatHadNothingWaitingAreNotTakenForFairness() {
        assertThat(unfair(load("north", 4, 10), load("south", 0, 10)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("say nothing"));
    }
}
