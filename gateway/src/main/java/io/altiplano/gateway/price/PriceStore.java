package io.altiplano.gateway.price;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** {@code price} in SQL. What a handle sees of it is row-level security's to say. */
final class PriceStore {
    private PriceStore() {}

    static int count(Handle handle) {
        return handle.createQuery("SELECT count(*) FROM price")
                .mapTo(Integer.class)
                .one();
    }

    static List<Price> all(Handle handle) {
        return handle.createQuery("SELECT * FROM price ORDER BY model, tenant_id NULLS FIRST, effective_from")
                .map((rs, ctx) -> price(rs))
                .list();
    }

    /** Adds a price; false if there is one of the same tenant, model and instant. */
    static boolean insert(Handle operator, Price price, String recordedBy) {
        Instant until = price.effectiveUntil();
        return operator.createUpdate("""
                        INSERT INTO price (tenant_id, model, effective_from, effective_until, prompt, cached_prompt, completion,
                            adapter_premium, training, batch_discount, recorded_by)
                        VALUES (:tenantId, :model, :from, :until, :prompt, :cachedPrompt, :completion, :adapterPremium,
                            :training, :batchDiscount, :by)
                        ON CONFLICT DO NOTHING""")
                        .bindMethods(price)
                        .bind("from", price.effectiveFrom().atOffset(ZoneOffset.UTC))
                        .bind("until", until == null ? null : until.atOffset(ZoneOffset.UTC))
                        .bind("by", recordedBy)
                        .execute()
                == 1;
    }

    private static Price price(ResultSet rs) throws SQLException {
        return new Price(
                rs.getString("tenant_id"),
                rs.getString("model"),
                rs.getTimestamp("effective_from").toInstant(),
                instant(rs.getTimestamp("effective_until")),
                rs.getBigDecimal("prompt"),
                rs.getBigDecimal("cached_prompt"),
                rs.getBigDecimal("completion"),
                rs.getBigDecimal("adapter_premium"),
                rs.getBigDecimal("training"),
                rs.getBigDecimal("batch_discount"));
    }

    private static @Nullable Instant instant(@Nullable Timestamp at) {
        return at == null ? null : at.toInstant();
    }
}
