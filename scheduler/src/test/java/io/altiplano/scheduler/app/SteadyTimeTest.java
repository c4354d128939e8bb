package io.altiplano.scheduler.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

class SteadyTimeTest {
    @Test
    void itGoesOnAlikeWhileTheMachinesClockIsSet() {
        // given
        AtomicLong wall = new AtomicLong(1_000_000);
        AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1);
        SteadyTime time = new SteadyTime(wall::get, nanos::get);

        // when
        wall.addAndGet(2_400_000);
        nanos.addAndGet(5_000_000);
        long ahead = time.milliseconds();
        wall.addAndGet(-4_800_000);
        nanos.addAndGet(5_000_000);

        // then
        assertThat(ahead).isEqualTo(1_000_005);
        assertThat(time.milliseconds()).isEqualTo(1_000_010);
    }

    @Test
    void itWaitsForAConditionAndNotForEver() throws InterruptedException {
        // given
        SteadyTime time = new SteadyTime();
        Object monitor = new Object();

        // then
        time.waitObject(monitor, () -> true, time.milliseconds());
        assertThatThrownBy(() -> time.waitObject(monitor, () -> false, time.milliseconds() + 5))
                .isInstanceOf(TimeoutException.class);
    }
}
