package io.altiplano.gateway.job;

import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/** {@code gateway_process}: who was heard of when, by PostgreSQL's clock. */
@ApplicationScoped
class GatewayProcessStore {
    private final Db db;

    @Inject
    GatewayProcessStore(Db db) {
        this.db = db;
    }

    /**
     * What a look shows.
     *
     * @param isNew whether the process that looks was not among the living
     * @param silent those that were not heard of for long, and when they last were
     */
    record Look(boolean isNew, Map<UUID, OffsetDateTime> silent) {}

    /** A process lives, and looks for those that were not heard of for so long. */
    Look seen(UUID process, Duration silence) {
        return db.platform(handle -> {
            boolean isNew = handle.createQuery("INSERT INTO gateway_process (id, seen_at) VALUES (:id, now())"
                            + " ON CONFLICT (id) DO UPDATE SET seen_at = now() RETURNING xmax = 0 AS is_new")
                    .bind("id", process)
                    .mapTo(Boolean.class)
                    .one();
            Map<UUID, OffsetDateTime> silent = new HashMap<>();
            handle.createQuery("SELECT id, seen_at FROM gateway_process"
                            + " WHERE seen_at < now() - :millis * interval '1 millisecond'")
                    .bind("millis", silence.toMillis())
                    .map((row, context) ->
                            silent.put(row.getObject("id", UUID.class), row.getObject("seen_at", OffsetDateTime.class)))
                    .list();
            return new Look(isNew, silent);
        });
    }

    /** A process is over; nothing where it was heard of since. */
    void forget(UUID process, OffsetDateTime lastSeen) {
        db.platform(handle -> handle.createUpdate("DELETE FROM gateway_process WHERE id = :id AND seen_at = :seen")
                .bind("id", process)
                .bind("seen", lastSeen)
                .execute());
    }

    /** This process is over. */
    void forget(UUID process) {
        db.platform(handle -> handle.createUpdate("DELETE FROM gateway_process WHERE id = :id")
                .bind("id", process)
                .execute());
    }
}
