package io.altiplano.scheduler.placement;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.fleet.Prefixes;
import io.altiplano.scheduler.fleet.Worker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Example;
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
        return new Demand("llama", "", blocks, Prefixes.NONE, "", true);
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

    private static Candidate worker(int ordinal, int leases, WorkerHeartbeat.Builder beat) {
        return new Candidate(
                new Worker(beat.setWorkerId("default-" + ordinal).setCapacity(4).build(), 0), leases, 0, 0);
    }

    private static WorkerHeartbeat.Builder beat() {
        return Samples.beat(0, "b", 1);
    }

    private static Prefixes prompt(int... blocks) {
        return Prefixes.ofHashes(Arrays.stream(blocks)
                .mapToObj(b -> ByteString.copyFrom(
                        ByteBuffer.allocate(16).putLong(b).putLong(7).array()))
                .toList());
    }

    @Example
    void theLongestCachedPrefixIsPreferredUntilItsWorkerIsHot() {
        WorkerHeartbeat.Builder long_ =
                beat().addPrefixDigest(30).addPrefixDigest(10).addPrefixDigest(20);
        WorkerHeartbeat.Builder short_ = beat().addPrefixDigest(10);
        Demand demand = new Demand("llama", "", 1, prompt(10, 20, 30, 40), "", true);

        assertThat(chosen(demand, worker(0, 0, beat()), worker(1, 0, short_), worker(2, 2, long_)))
                .isEqualTo("default-2");
        assertThat(chosen(demand, worker(0, 0, beat()), worker(1, 1, short_), worker(2, 3, long_)))
                .isEqualTo("default-1");
    }

    @Example
    void anAdapterIsNotLoadedWhereAnotherWorkerHasIt() {
        Demand demand = new Demand("llama", "style", 1, Prefixes.NONE, "", true);
        assertThat(chosen(demand, worker(0, 0, beat()), worker(1, 2, beat().addAdapters("style"))))
                .isEqualTo("default-1");
        assertThat(chosen(demand, worker(0, 0, beat().addAdapters("x")), worker(1, 1, beat())))
                .isEqualTo("default-1");
    }

    @Example
    void aRetryGoesToAWorkerThatComputesTheSameBits() {
        Demand demand = new Demand("llama", "", 1, Prefixes.NONE, "tp2", true);
        assertThat(chosen(
                        demand,
                        worker(0, 0, beat().setNumericsFingerprint("tp1")),
                        worker(1, 2, beat().setNumericsFingerprint("tp2"))))
                .isEqualTo("default-1");
    }

    @Example
    void aWorkerTooSmallForAJobIsNotGivenItWhileALargerOneIsThere() {
        Demand demand = new Demand("llama", "", 200, Prefixes.NONE, "", true);
        Candidate small = worker(0, 0, beat());
        Candidate large = worker(1, 1, beat().setTotalKvBlocks(400).setFreeKvBlocks(100));
        assertThat(Placement.choose(List.of(small, large), demand)).isEmpty();
        assertThat(Placement.choose(List.of(small), demand)).isPresent();
        assertThat(Placement.tooSmall(List.of(small.worker(), large.worker()), 200))
                .containsExactly(small.worker());
    }

    @Example
    void anInteractiveJobGoesWhereBatchJobsGiveWayIfThereIsNoOtherRoom() {
        // given: four places and 100 blocks, all promised; to batch jobs in the second worker
        Candidate interactive = new Candidate(worker(0, 4, beat()).worker(), 4, 100, 0);
        Candidate batch = new Candidate(worker(1, 4, beat()).worker(), 4, 100, 0, 4, 100);
        Candidate mixed = new Candidate(worker(2, 8, beat()).worker(), 8, 160, 0, 4, 80);
        Demand asked = new Demand("llama", "", 21, Prefixes.NONE, "", true);
        Demand patient = new Demand("llama", "", 21, Prefixes.NONE, "", false);

        // then
        assertThat(chosen(asked, interactive, batch, mixed)).isEqualTo("default-1");
        assertThat(Placement.choose(List.of(interactive, batch, mixed), patient))
                .isEmpty();
        assertThat(Placement.choose(List.of(interactive, mixed), asked)).isEmpty();
        assertThat(chosen(asked, batch, worker(3, 3, beat())))
                .as("where nobody has to give way")
                .isEqualTo("default-3");
    }

    private static String chosen(Demand demand, Candidate... candidates) {
        return Placement.choose(List.of(candidates), demand)
                .orElseThrow()
                .worker()
                .id();
    }
}
