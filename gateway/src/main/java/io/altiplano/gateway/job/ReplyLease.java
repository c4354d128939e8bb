package io.altiplano.gateway.job;

import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's claim on one partition of {@code replies} and {@code notices}, held in PostgreSQL and renewed before it
 * runs out. Each claim has a nonce of its own, so that what is meant for an earlier holder is told apart.
 *
 * <p>It keeps traffic apart and is no lock: answers are matched by nonce and job, so a second reader of a partition costs
 * bandwidth and harms nobody. A claim that could not be renewed in time (PostgreSQL away) is therefore given up only for new
 * jobs; streams under it go on.
 */
@ApplicationScoped
public class ReplyLease {
    private static final Logger LOG = Logger.getLogger(ReplyLease.class);

    private final ReplyLeaseStore store;
    private final Duration term;
    private final UUID holder = UUID.randomUUID();
    private final LongSupplier nanoTime = System::nanoTime;
    private volatile @Nullable Claim claim;

    /** A claim and until when it counts, by {@code nanoTime}. */
    private record Claim(ReplyAddress address, long untilNanos) {}

    @Inject
    ReplyLease(ReplyLeaseStore store, JobSettings settings) {
        this.store = store;
        this.term = settings.replyLeaseTerm();
    }

    /** The address for new jobs, if the claim is known to hold now. */
    Optional<ReplyAddress> current() {
        Claim c = claim;
        return c != null && c.untilNanos - nanoTime.getAsLong() > 0 ? Optional.of(c.address) : Optional.empty();
    }

    /** How often {@link #keep} is to be called. */
    Duration renewEvery() {
        return term.dividedBy(3);
    }

    /**
     * Renews the claim, or makes a new one where there is none or it was lost.
     *
     * @param partitions how many partitions there are to claim from
     * @param prepare makes the gateway listen on a new claim's partition; jobs may name it only afterwards
     * @return whether a claim holds
     */
    boolean keep(int partitions, Consumer<ReplyAddress> prepare) {
        // Counted from before the question was asked, so that we never believe in it longer than PostgreSQL does.
        long asked = nanoTime.getAsLong();
        try {
            Claim c = claim;
            if (c != null && store.renew(c.address, holder, term)) {
                claim = new Claim(c.address, asked + term.toNanos());
                return true;
            }
            Optional<ReplyAddress> fresh = store.claim(holder, term, partitions);
            fresh.ifPresent(prepare);
            claim = fresh.map(address -> new Claim(address, asked + term.toNanos()))
                    .orElse(null);
            fresh.ifPresentOrElse(
                    address -> LOG.infof(
                            "reply partition %d claimed, nonce %d", address.getPartition(), address.getNonce()),
                    () -> LOG.warnf("no reply partition is free among %d: more gateways than partitions?", partitions));
            return fresh.isPresent();
        } catch (DatabaseUnavailableException e) {
            LOG.warnf("reply lease not renewed: %s", e.getMessage());
            return current().isPresent();
        }
    }

    /** Gives the claim back, so that the next gateway need not wait for its end. */
    void release() {
        Claim c = claim;
        claim = null;
        if (c != null) {
            try {
                store.release(c.address, holder);
            } catch (DatabaseUnavailableException e) {
                LOG.infof("reply lease left to run out: %s", e.getMessage());
            }
        }
    }
}
