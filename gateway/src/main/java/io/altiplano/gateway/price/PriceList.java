package io.altiplano.gateway.price;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All prices that were known at a moment. A tenant's own price of a model comes before the model's list price, and that
 * before the list price of any model.
 */
public final class PriceList {
    private final Map<Key, NavigableMap<Instant, Price>> prices = new HashMap<>();
    private final int size;

    private record Key(@Nullable String tenantId, String model) {}

    /** @param all in any order */
    public PriceList(List<Price> all) {
        for (Price price : all) {
            prices.computeIfAbsent(new Key(price.tenantId(), price.model()), key -> new TreeMap<>())
                    .put(price.effectiveFrom(), price);
        }
        size = all.size();
    }

    /** How many prices it holds. */
    public int size() {
        return size;
    }

    /**
     * The price by which a tenant is charged for a job submitted at an instant.
     *
     * @throws IllegalStateException if no price was in force, which the first list price rules out from 2024 on
     */
    public Price price(String tenantId, String model, Instant submittedAt) {
        Price own = newest(new Key(tenantId, model), submittedAt);
        if (own != null && (own.effectiveUntil() == null || submittedAt.isBefore(own.effectiveUntil()))) {
            return own;
        }
        Price listed = newest(new Key(null, model), submittedAt);
        if (listed == null) {
            listed = newest(new Key(null, Price.ANY_MODEL), submittedAt);
        }
        if (listed == null) {
            throw new IllegalStateException("no price of " + model + " was in force at " + submittedAt);
        }
        return listed;
    }

    private @Nullable Price newest(Key key, Instant at) {
        NavigableMap<Instant, Price> known = prices.get(key);
        Map.Entry<Instant, Price> entry = known == null ? null : known.floorEntry(at);
        return entry == null ? null : entry.getValue();
    }
}
