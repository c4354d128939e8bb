package io.altiplano.gateway.licence;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.db.Listener;
import io.altiplano.gateway.job.JobService;
import io.altiplano.gateway.job.Submissions;
import io.altiplano.gateway.licence.WithdrawalStore.Which;
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
 * is decided again, whichever gateway gave it, those whom the last administrative acts are about first; otherwise those that
 * time may have ended. A right that is found to have ended is written down in the transaction of its denial. What is written
 * down ends the streams here, and is sent to every partition of {@code submissions} until that is acknowledged. Each gateway
 * does all of this; doubling is harmless, and what one gateway leaves undone another does.
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
        Thread.ofVirtual().name("rights-sweep").start(() -> repeat(this::sweep));
        Thread.ofVirtual().name("rights-expired").start(() -> repeat(this::expired));
        Thread.ofVirtual().name("rights-late").start(() -> repeat(this::late));
        Thread.ofVirtual().name("rights-deliver").start(() -> repeat(this::deliver));
        listener.listen(CHANNEL, alarm::ring);
    }

    void stop(@Observes @Priority(1500) ShutdownEvent event) {
        running = false;
        alarm.ring();
        executor.shutdownNow();
    }

    private void repeat(Step step) {
        long heard = 0;
        while (running) {
            try {
                heard = alarm.await(heard, EpochWatch.PERIOD);
                quietly(step);
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

    /** Where the epoch has moved: all rights that stand. */
    private void sweep() throws InterruptedException {
        watch.refresh();
        OptionalLong epoch = watch.confirmed();
        if (epoch.isPresent() && epoch.getAsLong() != swept && redecide(standing(Which.ALL), epoch.getAsLong())) {
            swept = epoch.getAsLong();
        }
    }

    private List<WithdrawalStore.Standing> standing(Which which) {
        return db.operator(handle -> WithdrawalStore.standing(handle, which));
    }

    /** What time may have ended: few, so they wait for no round over all. */
    private void expired() throws InterruptedException {
        var unused = redecide(standing(Which.EXPIRED), LicenceGate.ALWAYS);
    }

    /** What was noted late. The same right, noted at the same epoch, needs no second look until the epoch moves. */
    private void late() throws InterruptedException {
        OptionalLong confirmed = watch.confirmed();
        if (confirmed.isEmpty()) {
            return;
        }
        long epoch = confirmed.getAsLong();
        List<WithdrawalStore.Standing> standing = standing(Which.LATE);
        List<WithdrawalStore.Standing> due = standing.stream()
                .filter(s -> !looked.contains(new Looked(s, epoch)))
                .toList();
        if (redecide(due, LicenceGate.ALWAYS)) {
            looked = standing.stream().map(s -> new Looked(s, epoch)).collect(Collectors.toSet());
        }
    }

    /** Asks about each, a few at once, until the epoch moves; true if all were answered. */
    private boolean redecide(List<WithdrawalStore.Standing> standing, long epoch) throws InterruptedException {
        Semaphore places = new Semaphore(AT_ONCE);
        AtomicBoolean all = new AtomicBoolean(true);
        for (WithdrawalStore.Standing s : standing) {
            places.acquire();
            OptionalLong now = watch.confirmed();
            if (now.isPresent() && epoch != LicenceGate.ALWAYS && now.getAsLong() != epoch) {
                // What has changed meanwhile goes first: begin anew.
                places.release();
                all.set(false);
                break;
            }
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

    private void deliver() {
        for (Withdrawal w : db.operator(WithdrawalStore::recent)) {
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
