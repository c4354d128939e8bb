package io.altiplano.gateway.licence;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.db.Listener;
import io.altiplano.gateway.job.JobService;
import io.altiplano.gateway.job.Submissions;
import io.altiplano.licensing.Use;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Ends what runs under a right that has ended, though nobody asks about it any more.
 *
 * <p>Every {@link EpochWatch#PERIOD}, and sooner when the database notifies: when the epoch has moved, every right that stands
 * is decided again, whichever gateway gave it; otherwise those that time may have ended. A right that is found to have ended is
 * written down in the transaction of its denial. What is written down ends the streams here, and is sent to every
 * partition of {@code submissions} until that is acknowledged. Each gateway does all of this; doubling is harmless, and what
 * one gateway leaves undone another does.
 */
@ApplicationScoped
public class Withdrawals {
    private static final Logger LOG = Logger.getLogger(Withdrawals.class);
    private static final String CHANNEL = "licence_epoch";
    private static final int AT_ONCE = 4;

    private final Db db;
    private final EpochWatch watch;
    private final LicenceGate gate;
    private final JobService jobs;
    private final Submissions submissions;
    private final Alarm alarm;
    private final Listener listener;
    private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
    private final Set<Long> sending = ConcurrentHashMap.newKeySet();
    /** Rights noted lately under an older epoch that were looked at, each at its epoch and at the one of the look. */
    private Set<Looked> looked = Set.of();

    private long swept = -1;
    private volatile boolean running;

    private record Looked(WithdrawalStore.Standing standing, long epoch) {}

    @Inject
    Withdrawals(
            Db db,
            EpochWatch watch,
            LicenceGate gate,
            JobService jobs,
            Submissions submissions,
            Alarm alarm,
            Listener listener) {
        this.db = db;
        this.watch = watch;
        this.gate = gate;
        this.jobs = jobs;
        this.submissions = submissions;
        this.alarm = alarm;
        this.listener = listener;
    }

    void start(@Observes StartupEvent event) {
        running = true;
        Thread.ofVirtual().name("right-withdrawals").start(this::run);
        listener.listen(CHANNEL, alarm::ring);
    }

    void stop(@Observes @Priority(1500) ShutdownEvent event) {
        running = false;
        alarm.ring();
        executor.shutdownNow();
    }

    private void run() {
        while (running) {
            try {
                alarm.await(EpochWatch.PERIOD);
                quietly(this::look);
                quietly(() -> deliver(db.operator(WithdrawalStore::recent)));
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private interface Step {
        void run() throws InterruptedException;
    }

    /** What fails is done again in the next round; true if it did not fail. */
    private boolean quietly(Step step) throws InterruptedException {
        try {
            if (running) {
                step.run();
            }
            return true;
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("rights not looked at: %s", e.getMessage());
        } catch (RuntimeException e) {
            if (running) {
                LOG.errorf(e, "rights not looked at");
            }
        }
        return false;
    }

    private void look() throws InterruptedException {
        watch.refresh();
        OptionalLong confirmed = watch.confirmed();
        if (confirmed.isEmpty()) {
            return;
        }
        long epoch = confirmed.getAsLong();
        boolean moved = epoch != swept;
        List<WithdrawalStore.Standing> standing = db.operator(handle -> WithdrawalStore.standing(handle, moved));
        if (!moved) {
            late(standing, epoch);
        } else if (redecide(standing, epoch)) {
            swept = epoch;
        }
    }

    /** The same right, noted at the same epoch, needs no second look until the epoch moves again. */
    private void late(List<WithdrawalStore.Standing> standing, long epoch) throws InterruptedException {
        Set<Looked> before = looked;
        boolean all = redecide(
                standing.stream()
                        .filter(s -> s.expired() || !before.contains(new Looked(s, epoch)))
                        .toList(),
                LicenceGate.ALWAYS);
        if (all) {
            looked = standing.stream().map(s -> new Looked(s, epoch)).collect(Collectors.toSet());
        }
    }

    /** Asks about each, a few at once; true if all were answered. */
    private boolean redecide(List<WithdrawalStore.Standing> standing, long epoch) throws InterruptedException {
        Semaphore places = new Semaphore(AT_ONCE);
        AtomicBoolean all = new AtomicBoolean(true);
        for (WithdrawalStore.Standing s : standing) {
            places.acquire();
            executor.execute(() -> {
                try {
                    if (!quietly(() -> gate.redecide(s.question(), epoch))) {
                        all.set(false);
                    }
                } catch (InterruptedException e) {
                    all.set(false);
                } finally {
                    places.release();
                }
            });
        }
        places.acquire(AT_ONCE);
        return all.get();
    }

    private void deliver(List<Withdrawal> withdrawals) {
        for (Withdrawal w : withdrawals) {
            // All jobs of today run for INFER.
            if (w.question().use() != Use.INFER) {
                continue;
            }
            jobs.withdraw(w.question().tenantId(), w.question().modelId(), w.epoch(), w.message());
            if (!w.published() && sending.add(w.seq())) {
                executor.execute(() -> publish(w));
            }
        }
    }

    private void publish(Withdrawal w) {
        try {
            submissions
                    .sendWithdrawn(w.question().tenantId(), w.question().modelId(), w.epoch(), w.message())
                    .get();
            if (db.operator(handle -> WithdrawalStore.published(handle, w.seq())) == 1) {
                LOG.infof(
                        "right of %s to %s withdrawn at epoch %d",
                        w.question().tenantId(), w.question().modelId(), w.epoch());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | RuntimeException e) {
            LOG.warnf("withdrawal %d not published yet: %s", w.seq(), e.getMessage());
        } finally {
            sending.remove(w.seq());
        }
    }
}
