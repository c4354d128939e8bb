package io.altiplano.scheduler.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.fleet.Prefixes;
import io.altiplano.scheduler.fleet.Worker;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

class PlacementTest {
    /** Candidates of capacity 4 and 100 blocks with a load of 0 to 5 leases, 30 blocks each. */
    private static List<Candidate> candidates(List<Integer> loads) {
        List<Candidate> candidates = new ArrayList<>();
        for (int i = 0; i < loads.size(); i++) {
            int load = loads.get(i);
            Worker worker = new Worker(
                    Samples.beat(i, "b", 1)
                            .setCapacity(4)
                            .setFreeKvBlocks(Math.max(0, 100 - 10L * load))
                            .build(),
                    0);
            candidates.add(new Candidate(worker, load, 30L * load, 0));
        }
        return candidates;
    }

    private static Demand demand(long blocks) {
        return new Demand("llama", "", blocks, Prefixes.NONE, "");
    }

    @Property
    void theChosenWorkerHasAPlaceAndBlocksOrHoldsNothing(
            @ForAll @Size(min = 1, max = 8) List<@IntRange(max = 5) Integer> loads,
            @ForAll @LongRange(min = 1, max = 200) long blocks) {
        assertThat(Placement.choose(candidates(loads), demand(blocks)).stream())
                .allSatisfy(c -> assertThat(c.leases() == 0 || (c.leases() < 4 && blocks <= 100 - 30L * c.leases()))
                        .isTrue());
    }

    @Property
    void anEmptyWorkerIsNeverRefused(
            @ForAll @Size(max = 5) List<@IntRange(max = 5) Integer> loads, @ForAll @LongRange(min = 1) long blocks) {
        List<Integer> withEmpty = new ArrayList<>(loads);
        withEmpty.add(0);
        assertThat(Placement.choose(candidates(withEmpty), demand(blocks))).isPresent();
    }

    @Property
    void blocksCoverTheCost(@ForAll @LongRange(min = 0, max = 1L << 40) long cost) {
        long blocks = Placement.blocksFor(cost);
        assertThat(blocks).isPositive();
        assertThat(blocks * Placement.BLOCK_TOKENS).isBetween(cost, Math.max(cost, 1) + Placement.BLOCK_TOKENS);
    }
}
