package io.altiplano.scheduler.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The core among workers that die and stand still, gateways that are deaf or vanish, clients that cancel and submit twice, and two schedulers that
 * crash, stand still and overlap, in virtual time. {@code ./altiplano test --simulation} widens it to 10,000 seeds.
 */
class SimulationTest {
    private static final long FIRST = Long.getLong("altiplano.sim.first", 1);
    private static final long SEEDS = Long.getLong("altiplano.sim.seeds", 500);
    /** So many seeds have everything in them that can happen. */
    private static final long MANY = 200;

    private static final int MOST_FOR_A_MUTANT = 3_000;

    @Test
    void everyJobEndsOnceAndNothingIsLeftOverWhateverFails() {
        long began = System.nanoTime();
        AtomicLong done = new AtomicLong();
        AtomicLong processorNanos = new AtomicLong();
        Map<String, Integer> totals = new TreeMap<>();
        LongStream.range(FIRST, FIRST + SEEDS).parallel().forEach(seed -> {
            long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            Map<String, Integer> counts = run(seed);
            processorNanos.addAndGet(ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before);
            synchronized (totals) {
                counts.forEach((kind, n) -> totals.merge(kind, n, Integer::sum));
                if (done.incrementAndGet() % 1_000 == 0) {
                    System.out.printf("simulation: %d of %d seeds%n", done.get(), SEEDS);
                }
            }
        });
        System.out.printf(
                "simulation: %d seeds in %.1f s (%.1f s of processor time): %s%n",
                SEEDS, (System.nanoTime() - began) / 1e9, processorNanos.get() / 1e9, totals);
        assertThat(totals.getOrDefault("jobs", 0)).isEqualTo((int) SEEDS * 50);
        assertThat(totals.getOrDefault("workers", 0)).isEqualTo((int) SEEDS * 3);
        assertThat(totals.getOrDefault("schedulers", 0)).isEqualTo((int) SEEDS * 2);
        assertThat(totals.getOrDefault("faults", 0)).isGreaterThanOrEqualTo((int) SEEDS * 5);
        if (SEEDS >= MANY) {
            assertThat(totals)
                    .containsKeys(
                            "scheduler lost",
                            "scheduler stood still",
                            "scheduler cut off",
                            "schedulers at one time",
                            "decisions fenced",
                            "worker died",
                            "worker stood still",
                            "gateway lost",
                            "gateway deaf",
                            "submitted twice",
                            "ledger lines repeated");
        }
    }

    private static Map<String, Integer> run(long seed) {
        try {
            return Simulation.run(seed, Mutant.NONE);
        } catch (RuntimeException e) {
            return fail(
                    "seed " + seed + ": " + e + "\nalone: ./altiplano test --simulation --first " + seed + " --seeds 1",
                    e);
        }
    }

    @Test
    void aSeedLivesTheSameLifeAgain() {
        assertThat(Simulation.lived(FIRST))
                .isEqualTo(Simulation.lived(FIRST))
                .isNotEqualTo(Simulation.lived(FIRST + 1));
    }

    @ParameterizedTest
    @CsvSource({
        "NO_FENCING, 'while its client waits|was accepted for'",
        "ACT_AT_DECIDE, 'has no terminal record|did not grant'",
        "NO_ATTEMPT_LIMIT, 'attempt 4 of'",
        "NO_PATIENCE, 'its client has the whole answer|gateway_lost while its client waits'",
        "NO_BARRIER, 'granted . after|out of turn|terminal record'",
        "NO_GENERATIONS, 'two live leases|did not grant|was told|terminal record'",
        "NO_STORE_FENCE, 'two terminal records|after the terminal record|granted . after'",
        "NO_LEDGER_FENCE, 'the ledger has'",
        "NO_FAIRNESS, 'unfair: '",
        "NO_UNIQUE_KEY, 'the ledger has'"
    })
    void aPlatformWithoutOneOfItsSafeguardsIsCaught(Mutant mutant, String how) {
        Pattern expected = Pattern.compile(how);
        for (int seed = 1; seed <= MOST_FOR_A_MUTANT; seed++) {
            if (expected.matcher(violation(seed, mutant)).find()) {
                System.out.printf("simulation: mutant %s caught at seed %d%n", mutant, seed);
                return;
            }
        }
        fail("%s is not caught by %d seeds", mutant, MOST_FOR_A_MUTANT);
    }

    private static String violation(long seed, Mutant mutant) {
        try {
            Simulation.run(seed, mutant);
            return "";
        } catch (Checker.Violation e) {
            return e.toString();
        } catch (IllegalStateException e) {
            return "broken invariant of the core: " + e;
        }
    }
}
