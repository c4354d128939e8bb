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

    /** A process lives; those that were not heard of for so long, and when they last were. */
    Map<UUID, OffsetDateTime> seen(UUID process, Duration silence) {
        return db.platform(handle -> {
            handle.createUpdate("INSERT INTO gateway_process (id, seen_at) VALUES (:id, now())"
                            + " ON CONFLICT (id) DO UPDATE SET seen_at = now()")
                    .bind("id", process)
                    .execute();
            Map<UUID, OffsetDateTime> silent = new HashMap<>();
            handle.createQuery("SELECT id, seen_at FROM gateway_process"
                            + " WHERE seen_at < now() - :millis * interval '1 millisecond'")
                    .bind("millis", silence.toMillis())
                    .map((row, context) ->
                            silent.put(row.getObject("id", UUID.class), row.getObject("seen_at", OffsetDateTime.class)))
                    .list();
            return silent;
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
