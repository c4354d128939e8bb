package io.altiplano.scheduler.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

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
    private static final long SEEDS = Long.getLong("altiplano.sim.seeds", 1_000);

    @Test
    void everyJobEndsOnceAndNothingIsLeftOverWhateverFails() {
        long records = 0;
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            try {
                records += Simulation.run(seed, Mutant.NONE);
            } catch (RuntimeException e) {
                fail("seed " + seed + ": " + e, e);
            }
        }
        assertThat(records).isGreaterThan(SEEDS * 48);
    }

    @ParameterizedTest
    @CsvSource({
        "NO_FENCING, 'while its client waits|was accepted for'",
        "ACT_AT_DECIDE, 'has no terminal record|did not grant'",
        "NO_ATTEMPT_LIMIT, 'attempt 4 of'",
        "NO_BARRIER, 'granted . after|out of turn|terminal record'"
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
