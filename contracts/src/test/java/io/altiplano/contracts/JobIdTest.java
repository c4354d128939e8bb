package io.altiplano.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.UUID;
import java.util.random.RandomGeneratorFactory;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;

class JobIdTest {
    private static final long MOST_MILLIS = (1L << 48) - 1;

    private static JobId id(long millis, long seed) {
        return JobId.create(
                millis, RandomGeneratorFactory.of("L64X128MixRandom").create(seed));
    }

    @Property
    void anIdTellsItsSubmitTimeAndSurvivesItsText(
            @ForAll @LongRange(max = MOST_MILLIS) long millis, @ForAll long seed) {
        JobId id = id(millis, seed);

        assertThat(id.submittedAtMillis()).isEqualTo(millis);
        assertThat(id.value().version()).isEqualTo(7);
        assertThat(id.value().variant()).isEqualTo(2);
        assertThat(id.toString()).hasSize(36);
        assertThat(JobId.parse(id.toString())).isEqualTo(id);
    }

    @Property
    void laterIdsSortAfterEarlierOnes(
            @ForAll @LongRange(max = MOST_MILLIS - 1) long millis, @ForAll long seed, @ForAll long other) {
        assertThat(id(millis, seed).toString()).isLessThan(id(millis + 1, other).toString());
    }

    @Property
    void idsOfOneMillisecondDifferBySeed(@ForAll @LongRange(max = MOST_MILLIS) long millis, @ForAll long seed) {
        assertThat(id(millis, seed)).isNotEqualTo(id(millis, seed + 1));
    }

    @Example
    void anyOtherUuidIsRefused() {
        UUID random = UUID.fromString("f81d4fae-7dec-41d0-a765-00a0c91e6bf6");
        assertThatThrownBy(() -> new JobId(random))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(random.toString());
        assertThatThrownBy(() -> JobId.parse("job-1")).isInstanceOf(IllegalArgumentException.class);
    }
}
