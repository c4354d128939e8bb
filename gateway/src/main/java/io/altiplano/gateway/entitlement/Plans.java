package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Every tier's plan, as data. A change is in force at every gateway within {@link #KEPT}. */
@ApplicationScoped
public class Plans {
    /** How long plans that were read count. */
    static final Duration KEPT = Duration.ofMillis(500);

    private final Db db;
    private final AuditLog audit;
    private final ReentrantLock reading = new ReentrantLock();
    private volatile @Nullable Read last;

    private record Read(Map<Tier, Plan> plans, long at) {}

    @Inject
    Plans(Db db, AuditLog audit) {
        this.db = db;
        this.audit = audit;
    }

    /**
     * A tier's plan of now. May ask the database: not for event loops.
     *
     * @throws io.altiplano.gateway.db.DatabaseUnavailableException if it is away
     */
    public Plan of(Tier tier) {
        Read known = last;
        if (known == null || !fresh(known)) {
            reading.lock();
            try {
                known = last;
                if (known == null || !fresh(known)) {
                    known = read();
                    last = known;
                }
            } finally {
                reading.unlock();
            }
        }
        return Objects.requireNonNull(known.plans().get(tier), "every tier has a plan");
    }

    /** All plans, of the past and to come, by tier and day. */
    List<Plan> all() {
        return db.operator(PlanStore::all);
    }

    /**
     * Adds a plan that begins later than now.
     *
     * @throws ApiException 409 if the tier has another from that instant
     */
    void add(Person person, Plan plan) {
        var unused = db.operator(operator -> {
            if (!PlanStore.insert(operator, plan, person.name())) {
                throw new ApiException(ApiError.conflict(
                        "tier_plan_exists",
                        "The tier " + plan.tier().text() + " has a plan from " + plan.effectiveFrom() + " already."));
            }
            Map<String, Object> detail = Map.of(
                    "effective_from", plan.effectiveFrom().toString(),
                    "uses", plan.uses().stream().map(Enum::name).sorted().toList(),
                    "requests_per_minute", plan.requestsPerMinute(),
                    "tokens_per_minute", plan.tokensPerMinute(),
                    "concurrent", plan.concurrent(),
                    "tokens_per_month", plan.tokensPerMonth());
            audit.append(
                    operator,
                    AuditEntry.by(person, "tier_plan.add", null, plan.tier().text(), detail));
            return true;
        });
    }

    private Read read() {
        long at = System.nanoTime();
        Map<Tier, Plan> plans = new EnumMap<>(Tier.class);
        db.platform(PlanStore::inForce).forEach(plan -> plans.put(plan.tier(), plan));
        return new Read(plans, at);
    }

    private static boolean fresh(Read read) {
        return System.nanoTime() - read.at() <= KEPT.toNanos();
    }
}
