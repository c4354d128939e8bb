package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.Consumer;
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

    @Test
    void who_polls_for_work_is_woken_once_the_leases_may_be_lost_and_until_then_left_alone() throws Exception {
        // given a watch that is acknowledged, and somebody in a poll that might never end by itself
        HeartbeatWatch watch = new HeartbeatWatch(Duration.ofHours(10), System.nanoTime());
        CountDownLatch woken = new CountDownLatch(1);
        Consumer<?, ?> polling = polling(woken);
        Thread waking = Thread.ofVirtual().start(() -> Agent.wake(watch, polling));
        assertThat(woken.await(100, TimeUnit.MILLISECONDS)).isFalse();

        // when no heartbeat was acknowledged for 7 tenths of the term
        HeartbeatWatch lost = new HeartbeatWatch(Duration.ofHours(10), System.nanoTime() - 8 * 3_600 * SECOND);
        Thread other = Thread.ofVirtual().start(() -> Agent.wake(lost, polling));

        // then
        assertThat(woken.await(10, TimeUnit.SECONDS)).isTrue();
        waking.interrupt();
        other.interrupt();
        assertThat(waking.join(Duration.ofSeconds(10))).isTrue();
        assertThat(other.join(Duration.ofSeconds(10))).isTrue();
    }

    private static Consumer<?, ?> polling(CountDownLatch woken) {
        return (Consumer<?, ?>) Proxy.newProxyInstance(
                Consumer.class.getClassLoader(), new Class<?>[] {Consumer.class}, (self, method, arguments) -> {
                    if (method.getName().equals("wakeup")) {
                        woken.countDown();
                    }
                    return null;
                });
    }
}
