package io.altiplano.gateway.entitlement;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RateTest {
    private static final Instant NOW = Instant.parse("2031-06-15T12:00:00Z");

    private static Rate rate(long limit, long untilMillis) {
        return new Rate(limit, NOW.plusMillis(untilMillis), NOW);
    }

    @Test
    void whatRemainsAndWhenAllIsBackFollowFromOneInstant() {
        assertThat(rate(60, 0).remaining()).isEqualTo(60);
        assertThat(rate(60, 20_000).remaining()).isEqualTo(40);
        assertThat(rate(60, 20_000).reset()).isEqualTo(Duration.ofSeconds(20));
        assertThat(rate(60, 60_000).remaining()).isZero();
        assertThat(rate(Long.MAX_VALUE, 0).remaining()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void oneWaitsUntilSoManyAreBack() {
        assertThat(rate(60, 59_000).waitFor(1)).isEqualTo(Duration.ZERO);
        assertThat(rate(60, 60_000).waitFor(1)).isEqualTo(Duration.ofSeconds(1));
        assertThat(rate(60, 60_000).waitFor(60)).isEqualTo(Duration.ofSeconds(60));
    }

    @Test
    void theTightestIsTheOneOfWhichLeastIsLeft() {
        Rate tight = rate(10, 0);

        assertThat(Rate.tightest(Stream.of(rate(100, 0), tight, rate(600, 30_000))))
                .contains(tight);
        assertThat(Rate.tightest(Stream.of())).isEmpty();
    }

    @Test
    void durationsAreWrittenAsOpenAiWritesThem() {
        assertThat(RateHeaders.duration(Duration.ofMillis(20))).isEqualTo("20ms");
        assertThat(RateHeaders.duration(Duration.ofSeconds(1))).isEqualTo("1s");
        assertThat(RateHeaders.duration(Duration.ofMinutes(6))).isEqualTo("6m0s");
        assertThat(RateHeaders.duration(Duration.ZERO)).isEqualTo("0ms");
    }
}
