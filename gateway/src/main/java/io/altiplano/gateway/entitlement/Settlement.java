package io.altiplano.gateway.entitlement;

import jakarta.enterprise.context.ApplicationScoped;
import java.math.BigDecimal;
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * The end of reservations, in the transaction that posts their jobs to the ledger, by whichever gateway posts. A job that was
 * settled before, or never had a reservation, changes nothing.
 */
@ApplicationScoped
public class Settlement {
    private final @Nullable Clock clock;

    /** By the database's clock. */
    public Settlement() {
        this(null);
    }

    Settlement(@Nullable Clock clock) {
        this.clock = clock;
    }

    /**
     * What a job came to.
     *
     * @param job its id
     * @param tokens read and written
     * @param cost of them
     */
    public record Used(UUID job, long tokens, BigDecimal cost) {}

    /**
     * Settles jobs. To be called as the last statement of the transaction: it locks the rows that every admission of these
     * tenants needs.
     *
     * @param ledger a transaction of the ledger's role
     * @return alerts that are new, for {@link #tell} once the transaction is committed
     */
    public List<LimitAlert> settle(Handle ledger, List<Used> used) {
        return used.isEmpty() ? List.of() : AlertStore.settle(ledger, used, clock == null ? null : clock.instant());
    }

    /** Logs alerts. */
    public static void tell(List<LimitAlert> alerts) {
        Alerts.tell(alerts);
    }
}
