package io.altiplano.gateway.job;

import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/** {@code reply_lease}: who holds which reply partition until when, by PostgreSQL's clock. */
@ApplicationScoped
class ReplyLeaseStore {
    private static final UUID NOBODY = new UUID(0, 0);

    private final Db db;

    @Inject
    ReplyLeaseStore(Db db) {
        this.db = db;
    }

    /** Claims the partition that has been free for longest; rows appear as partitions are first asked for. */
    Optional<ReplyAddress> claim(UUID holder, Duration term, int partitions) {
        return db.platform(handle -> {
            handle.createUpdate("INSERT INTO reply_lease (partition, nonce, holder, expires_at)"
                            + " SELECT p, 0, :nobody, '-infinity' FROM generate_series(0, :partitions - 1) p"
                            + " ON CONFLICT (partition) DO NOTHING")
                    .bind("partitions", partitions)
                    .bind("nobody", NOBODY)
                    .execute();
            return handle.createQuery("UPDATE reply_lease SET nonce = nonce + 1, holder = :holder,"
                            + " expires_at = now() + :millis * interval '1 millisecond'"
                            + " WHERE partition = (SELECT partition FROM reply_lease"
                            + " WHERE expires_at < now() AND partition < :partitions"
                            + " ORDER BY expires_at, partition LIMIT 1 FOR UPDATE SKIP LOCKED)"
                            + " RETURNING partition, nonce")
                    .bind("holder", holder)
                    .bind("millis", term.toMillis())
                    .bind("partitions", partitions)
                    .map((row, context) -> ReplyAddress.newBuilder()
                            .setPartition(row.getInt("partition"))
                            .setNonce(row.getLong("nonce"))
                            .build())
                    .findOne();
        });
    }

    /** Extends the claim; false if it has passed to someone else. */
    boolean renew(ReplyAddress address, UUID holder, Duration term) {
        return db.platform(handle -> handle.createUpdate(
                                "UPDATE reply_lease SET expires_at = now() + :millis * interval '1 millisecond'"
                                        + " WHERE partition = :partition AND nonce = :nonce AND holder = :holder")
                        .bind("millis", term.toMillis())
                        .bind("partition", address.getPartition())
                        .bind("nonce", address.getNonce())
                        .bind("holder", holder)
                        .execute())
                == 1;
    }

    /** Ends the claim now, if it is still ours. */
    void release(ReplyAddress address, UUID holder) {
        db.platform(handle -> handle.createUpdate("UPDATE reply_lease SET expires_at = now()"
                        + " WHERE partition = :partition AND nonce = :nonce AND holder = :holder")
                .bind("partition", address.getPartition())
                .bind("nonce", address.getNonce())
                .bind("holder", holder)
                .execute());
    }
}
