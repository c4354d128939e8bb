package io.altiplano.scheduler.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The core among workers that die and stand still, gateways that vanish, clients that cancel and submit twice, and its own
 * crashes, in virtual time. {@code -Daltiplano.sim.seeds=10000} widens it; {@code -Daltiplano.sim.first=SEED} begins elsewhere.
 */
class SimulationTest {
    private static final long FIRST = Long.getLong("altiplano.sim.first", 1);
    private static final long SEEDS = Long.getLong("altiplano.sim.seeds", 500);

    @Test
    void everyJobEndsOnceAndNothingIsLeftOverWhateverFails() {
        long began = System.nanoTime();
        Map<String, Integer> totals = new TreeMap<>();
        LongStream.range(FIRST, FIRST + SEEDS).parallel().forEach(seed -> {
            try {
                Map<String, Integer> counts = Simulation.run(seed, Mutant.NONE);
                synchronized (totals) {
                    counts.forEach((kind, n) -> totals.merge(kind, n, Integer::sum));
                }
            } catch (RuntimeException e) {
                fail("seed " + seed + ": " + e, e);
            }
        });
        System.out.printf("simulation: %d seeds in %.1f s: %s%n", SEEDS, (System.nanoTime() - began) / 1e9, totals);
        assertThat(totals.getOrDefault("jobs", 0)).isEqualTo((int) SEEDS * 50);
        assertThat(totals.getOrDefault("scheduler lost", 0)
                        + totals.getOrDefault("worker died", 0)
                        + totals.getOrDefault("worker stood still", 0))
                .isGreaterThan((int) SEEDS * 5);
        assertThat(totals).containsKeys("ledger lines repeated", "gateway lost", "submitted twice");
    }

    @ParameterizedTest
    @CsvSource({
        "NO_FENCING, 'while its client waits|was accepted for'",
        "ACT_AT_DECIDE, 'has no terminal record|did not grant'",
        "NO_ATTEMPT_LIMIT, 'attempt 4 of'",
        "NO_BARRIER, 'granted . after|out of turn|terminal record'",
        "NO_FAIRNESS, 'unfair: '",
        "NO_UNIQUE_KEY, 'the ledger has'"
    })
    void aSchedulerWithoutOneOfItsSafeguardsIsCaught(Mutant mutant, String how) {
        Pattern expected = Pattern.compile(how);
        assertThat(LongStream.range(1, 200).mapToObj(seed -> violation(seed, mutant)))
                .as("the first 200 seeds with %s", mutant)
                .anyMatch(v -> expected.matcher(v).find());
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
