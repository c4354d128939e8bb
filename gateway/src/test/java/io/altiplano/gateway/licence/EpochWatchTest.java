package io.altiplano.gateway.licence;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EpochWatchTest {
    private final AtomicLong nanoTime = new AtomicLong(17);
    private final AtomicLong epoch = new AtomicLong(5);
    private boolean away;
    private Duration queryTakes = Duration.ZERO;
    private int queries;

    private final EpochWatch watch = new EpochWatch(this::read, nanoTime::get);

    private long read() {
        queries++;
        nanoTime.addAndGet(queryTakes.toNanos());
        if (away) {
            throw new DatabaseUnavailableException(new IllegalStateException("cut"));
        }
        return epoch.get();
    }

    @Test
    void aReadingCountsFor750Milliseconds() {
        watch.confirmed();
        epoch.set(6);
        nanoTime.addAndGet(Duration.ofMillis(750).toNanos());

        OptionalLong confirmed = watch.confirmed();

        assertThat(confirmed).hasValue(5);
        assertThat(queries).isEqualTo(1);
    }

    @Test
    void afterThatItIsReadAgain() {
        watch.confirmed();
        epoch.set(6);
        nanoTime.addAndGet(Duration.ofMillis(750).toNanos() + 1);

        OptionalLong confirmed = watch.confirmed();

        assertThat(confirmed).hasValue(6);
    }

    @Test
    void withTheDatabaseAwayNothingIsConfirmed() {
        watch.confirmed();
        away = true;
        nanoTime.addAndGet(Duration.ofMillis(751).toNanos());

        OptionalLong confirmed = watch.confirmed();

        assertThat(confirmed).isEmpty();
    }

    @Test
    void aReadingIsAsOldAsItsQuestion() {
        queryTakes = Duration.ofMillis(751);

        OptionalLong confirmed = watch.confirmed();

        assertThat(confirmed).isEmpty();
    }
}
