package io.altiplano.gateway.licence;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.quarkus.runtime.Shutdown;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Knows the licence epoch, and since when. Every change of a licence fact increments the epoch in its own transaction, so
 * "the epoch is still N" means "no fact has changed". It is read every {@link #PERIOD}; a reading counts for
 * {@link #CONFIRMED}, by the monotonic clock and from before the query was sent. After that nothing is known, and whoever asks
 * reads it itself or, with the database away, is told nothing.
 *
 * <p>Every request waits for what is read here, so it waits for no request: it has a connection of its own, and a thread of the
 * operating system, which gets its turn however many virtual threads are runnable.
 */
@ApplicationScoped
public class EpochWatch {
    /** How often the epoch is read. */
    static final Duration PERIOD = Duration.ofMillis(250);
    /** How long a reading counts. */
    static final Duration CONFIRMED = Duration.ofMillis(750);

    private static final Logger LOG = Logger.getLogger(EpochWatch.class);
    private static final Duration MOST_WAIT = Duration.ofMillis(1500);

    private final LongSupplier read;
    private final LongSupplier nanoTime;
    private final ReentrantLock reading = new ReentrantLock();
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("licence-epoch").factory());
    private volatile @Nullable Reading last;

    /** What the epoch was, and when that was asked, by the monotonic clock in nanoseconds. */
    record Reading(long epoch, long askedAt) {}

    @Inject
    EpochWatch(Db db) {
        this(() -> db.watch(LicenceStore::epoch), System::nanoTime);
    }

    EpochWatch(LongSupplier read, LongSupplier nanoTime) {
        this.read = read;
        this.nanoTime = nanoTime;
    }

    @Startup
    void start() {
        var unused = scheduler.scheduleWithFixedDelay(this::readQuietly, 0, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Shutdown
    void stop() {
        scheduler.shutdownNow();
    }

    /** The epoch as it was at most {@link #CONFIRMED} ago; empty if that is not to be had. */
    OptionalLong confirmed() {
        Reading now = now();
        return now == null ? OptionalLong.empty() : OptionalLong.of(now.epoch());
    }

    /** As {@link #confirmed}, with the time; null if it is not to be had. */
    @Nullable
    Reading now() {
        Reading known = last;
        if (known != null && counts(known.askedAt())) {
            return known;
        }
        try {
            if (!reading.tryLock(MOST_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
                return null;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
        try {
            Reading other = last;
            Reading now = other != null && counts(other.askedAt()) ? other : readNow();
            return counts(now.askedAt()) ? now : null;
        } catch (DatabaseUnavailableException e) {
            return null;
        } finally {
            reading.unlock();
        }
    }

    /** Reads it now, unless somebody does or the database is away. */
    void refresh() {
        readQuietly();
    }

    private void readQuietly() {
        if (!reading.tryLock()) {
            return;
        }
        try {
            readNow();
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("licence epoch not read: %s", e.getMessage());
        } catch (RuntimeException e) {
            // A scheduled action that throws is never run again.
            LOG.errorf(e, "licence epoch not read");
        } finally {
            reading.unlock();
        }
    }

    private Reading readNow() {
        long askedAt = nanoTime.getAsLong();
        Reading now = new Reading(read.getAsLong(), askedAt);
        last = now;
        return now;
    }

    /** Whether what was asked then counts now. */
    boolean counts(long askedAt) {
        return nanoTime.getAsLong() - askedAt <= CONFIRMED.toNanos();
    }
}
