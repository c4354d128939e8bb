package io.altiplano.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SetBackTest {
    private long wallMillis = 1_700_000_000_000L;
    private long nanos = -5_000_000_000L;
    private final SetBack setBack = new SetBack(() -> wallMillis, () -> nanos);

    private void pass(Duration time) {
        wallMillis += time.toMillis();
        nanos += time.toNanos();
    }

    @Test
    void aClockThatGoesOnIsNotSetBack() {
        // when
        pass(Duration.ofHours(3));

        // then
        assertThat(setBack.told()).isZero();
    }

    @Test
    void aClockThatWasSetBackIsToldOfOnceAndByHowMuch() {
        // when
        pass(Duration.ofSeconds(10));
        wallMillis -= 300_000;

        // then
        assertThat(setBack.told()).isEqualTo(Duration.ofMinutes(5));
        assertThat(setBack.told()).isZero();
    }

    @Test
    void aClockThatWasSetAheadIsToldOfWhenItComesBack() {
        // when
        wallMillis += 300_000;

        // then
        assertThat(setBack.told()).isZero();

        // when
        wallMillis -= 300_000;

        // then
        assertThat(setBack.told()).isEqualTo(Duration.ofMinutes(5));
    }

    @Test
    void whatIsSlewedBackIsToldOfOnceItIsMuch() {
        // when
        int told = 0;
        for (int i = 0; i < 45; i++) {
            pass(Duration.ofSeconds(1));
            wallMillis -= 100;
            told += setBack.told().isZero() ? 0 : 1;
        }

        // then
        assertThat(told).isEqualTo(2);
    }
}
