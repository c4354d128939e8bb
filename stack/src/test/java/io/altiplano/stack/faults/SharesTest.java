package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.stack.faults.Finding.Invariant;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is asked of two tenants' shares, against loads of which each has one thing wrong. */
class SharesTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int TOKENS = 100;

    /** A tenant of whose requests so many are served each second of 20, of which each has waited for so many seconds. */
    private static Stream<Seen> load(String tenant, int waits, int servedPerSecond) {
        Stream<Seen> served = IntStream.range(0, 20 * servedPerSecond).mapToObj(i -> {
            long first = (long) (i / (double) servedPerSecond * SECOND);
            return seen(tenant, first - waits * SECOND, first, TOKENS);
        });
        return Stream.concat(served, Stream.of(seen(tenant, 20 * SECOND, 25 * SECOND, TOKENS)));
    }

    private static Seen seen(String tenant, long sent, long first, int tokens) {
        String job = UUID.randomUUID().toString();
        return new Seen(
                tenant, 0, null, true, Seen.End.WHOLE, job, 200, "", true, 0, tokens, "", sent, first, 50 * SECOND);
    }

    private static List<Finding> unfair(Stream<Seen> north, Stream<Seen> south) {
        return Shares.unfair(Stream.concat(north, south).toList(), "north", "south");
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
    void whatWasServedBeforeBothHadWorkWaitingOrAfterTheyAskedNoMoreIsNobodysShare() {
        // given
        Stream<Seen> headStart = Stream.of(seen("north", -5 * SECOND, -4 * SECOND, 9_000));
        Stream<Seen> tail = Stream.of(seen("south", 19 * SECOND, 30 * SECOND, 9_000));

        // then
        assertThat(unfair(Stream.concat(headStart, load("north", 4, 10)), Stream.concat(tail, load("south", 4, 10))))
                .isEmpty();
    }

    @Test
    void whatOneTenantHadMoreInTheBurstIsNobodysShareAndTheSameBehindItIs() {
        assertThat(unfair(Stream.concat(more("north", 0), load("north", 4, 10)), load("south", 4, 10)))
                .isEmpty();
        assertThat(unfair(Stream.concat(more("north", 9), load("north", 4, 10)), load("south", 4, 10)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("north was served"));
    }

    /** Ten further requests a second for seven seconds. */
    private static Stream<Seen> more(String tenant, int fromSecond) {
        return IntStream.range(0, 70)
                .mapToObj(i -> fromSecond * SECOND + i * SECOND / 10)
                .map(first -> seen(tenant, first - 4 * SECOND, first, TOKENS));
    }

    @Test
    void tooFewTokensSayNothing() {
        assertThat(unfair(load("north", 4, 1), load("south", 4, 1)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("say nothing"));
    }

    @Test
    void sharesOfATenantThatHadNothingWaitingAreNotTakenForFairness() {
        assertThat(unfair(load("north", 4, 10), load("south", 1, 10)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("waited in 0."));
    }
}
