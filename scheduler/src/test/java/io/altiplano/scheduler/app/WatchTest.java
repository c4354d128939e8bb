package io.altiplano.scheduler.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.scheduler.topology.Observer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

class WatchTest {
    private static final Observer.Numbers NUMBERS = new Observer.Numbers(0, 0, 0, 0, true);

    private final Watch watch = new Watch(new SimpleMeterRegistry());

    @Test
    void itTicksOnceEachPartitionThatIsHeldHasHadATick() {
        // given
        watch.numbers(3, NUMBERS);
        watch.numbers(4, NUMBERS);

        // when
        long setBack = System.nanoTime();
        watch.numbers(3, NUMBERS);

        // then
        assertThat(watch.tickedSince(setBack)).isFalse();

        // when
        watch.released(4);

        // then
        assertThat(watch.tickedSince(setBack)).isTrue();

        // when: where none is held, nobody can tell
        watch.released(3);

        // then
        assertThat(watch.tickedSince(setBack)).isFalse();
    }
}
