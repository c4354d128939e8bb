package io.altiplano.gateway.price;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/**
 * Every price, kept in memory. A price begins at least {@link #NOTICE} after it was recorded (the database sees to that), and
 * what is kept here is never older than {@link #OLDEST}: so all gateways charge a job by the same price, and charge it so
 * again when the ledger is rebuilt.
 */
@ApplicationScoped
public class PriceBook {
    /** How far ahead of its recording a price must begin. */
    static final Duration NOTICE = Duration.ofMinutes(1);

    /** How often new prices are looked for. */
    static final Duration KEPT = Duration.ofSeconds(5);

    /** How old the kept ones may be while the database is away. */
    static final Duration OLDEST = Duration.ofSeconds(30);

    private final Db db;
    private final AuditLog audit;
    private final ReentrantLock reading = new ReentrantLock();
    private volatile @Nullable Read last;

    /** @param at before it was read, by {@code System.nanoTime()} */
    private record Read(PriceList prices, long at) {
        boolean within(Duration age) {
            return System.nanoTime() - at <= age.toNanos();
        }
    }

    @Inject
    PriceBook(Db db, AuditLog audit) {
        this.db = db;
        this.audit = audit;
    }

    /** The prices of jobs that are submitted at an instant. */
    public record At(PriceList prices, Instant submittedAt) {
        /** A tenant's price of a model. */
        public Price of(String tenantId, String model) {
            return prices.price(tenantId, model, submittedAt);
        }
    }

    /**
     * The prices in force at an instant; {@code at(now).of(tenant, model).cost(counts).total()} is what counts come to. May ask
     * the database: not for event loops.
     *
     * @throws DatabaseUnavailableException if it is away and what is kept is too old
     */
    public At at(Instant submittedAt) {
        return new At(prices(), submittedAt);
    }

    /**
     * All prices, as {@link #at} knows them.
     *
     * @throws DatabaseUnavailableException if the database is away and what is kept is too old
     */
    public PriceList prices() {
        Read known = last;
        if (known != null && known.within(KEPT)) {
            return known.prices();
        }
        reading.lock();
        try {
            known = last;
            if (known == null || !known.within(KEPT)) {
                known = read(known);
                last = known;
            }
            return known.prices();
        } catch (DatabaseUnavailableException e) {
            if (known != null && known.within(OLDEST)) {
                return known.prices();
            }
            throw e;
        } finally {
            reading.unlock();
        }
    }

    /** Prices are only ever added, so their number tells whether there are new ones. */
    private Read read(@Nullable Read known) {
        long at = System.nanoTime();
        return db.ledger(ledger ->
                known != null && PriceStore.count(ledger) == known.prices().size()
                        ? new Read(known.prices(), at)
                        : new Read(read(ledger), at));
    }

    /** All prices, read by a role that sees them. */
    public static PriceList read(Handle ledger) {
        return new PriceList(PriceStore.all(ledger));
    }

    /** All prices, of the past and to come, or a tenant's own and the list's; by model, tenant and instant. */
    List<Price> list(@Nullable String tenantId) {
        return tenantId == null ? db.operator(PriceStore::all) : db.tenant(tenantId, PriceStore::all);
    }

    /**
     * Adds a price that begins at least {@link #NOTICE} from now.
     *
     * @throws ApiException 409 if there is one of the same tenant, model and instant; 400 if it begins too early
     */
    void add(Person person, Price price) {
        try {
            var unused = db.operator(operator -> {
                if (!PriceStore.insert(operator, price, person.name())) {
                    throw new ApiException(ApiError.conflict(
                            "price_exists",
                            "There is a price of " + price.model() + " from " + price.effectiveFrom() + " already."));
                }
                audit.append(
                        operator, AuditEntry.by(person, "price.add", price.tenantId(), price.model(), detail(price)));
                return true;
            });
        } catch (JdbiException e) {
            if (Db.isAboutData(e)) {
                throw tooEarly();
            }
            throw e;
        }
    }

    static ApiException tooEarly() {
        return new ApiException(ApiError.invalidRequest(
                "effective_from",
                "invalid_value",
                "effective_from must be at least a minute from now: what was charged stays as it was."));
    }

    private static Map<String, Object> detail(Price price) {
        Map<String, Object> detail = new HashMap<>();
        detail.put("effective_from", price.effectiveFrom().toString());
        if (price.effectiveUntil() != null) {
            detail.put("effective_until", price.effectiveUntil().toString());
        }
        detail.put("prompt", price.prompt().toPlainString());
        detail.put("cached_prompt", price.cachedPrompt().toPlainString());
        detail.put("completion", price.completion().toPlainString());
        detail.put("adapter_premium", price.adapterPremium().toPlainString());
        detail.put("training", price.training().toPlainString());
        detail.put("batch_discount", price.batchDiscount().toPlainString());
        return detail;
    }
}
