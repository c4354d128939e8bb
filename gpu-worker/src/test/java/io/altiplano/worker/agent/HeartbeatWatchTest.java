package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class HeartbeatWatchTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void leases_count_as_lost_after_7_tenths_of_the_term_without_an_acknowledgement() {
        HeartbeatWatch watch = new HeartbeatWatch(Duration.ofSeconds(10), 100 * SECOND);
        assertThat(watch.isLost(107 * SECOND)).isFalse();
        assertThat(watch.isLost(107 * SECOND + 1)).isTrue();
    }

    @Test
    void what_counts_is_when_the_acknowledged_heartbeat_was_sent() {
        HeartbeatWatch watch = new HeartbeatWatch(Duration.ofSeconds(10), 100 * SECOND);
        watch.acknowledged(103 * SECOND);
        watch.acknowledged(101 * SECOND);
        assertThat(watch.isLost(110 * SECOND)).isFalse();
        assertThat(watch.isLost(110 * SECOND + 1)).isTrue();
    }

    @Test
    void the_monotonic_clock_may_wrap_around() {
        HeartbeatWatch watch = new HeartbeatWatch(Duration.ofSeconds(10), Long.MAX_VALUE - SECOND);
        assertThat(watch.isLost(Long.MIN_VALUE + 5 * SECOND)).isFalse();
        assertThat(watch.isLost(Long.MIN_VALUE + 7 * SECOND)).isTrue();
    }
}
