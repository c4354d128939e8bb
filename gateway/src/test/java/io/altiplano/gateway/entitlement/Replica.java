package io.altiplano.gateway.entitlement;

import io.altiplano.contracts.JobId;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.SetClock;
import io.altiplano.licensing.Use;
import java.math.BigDecimal;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/** One gateway's entitlements on the shared database, with a plan and a clock of the test's. */
final class Replica {
    /** Later than any real clock, so that the running gateway expires nothing of a test's. */
    static final Instant NOON = Instant.parse("2031-06-15T12:00:00Z");

    static final Duration TERM = Duration.ofMinutes(15);
    private static final SecureRandom RANDOM = new SecureRandom();

    final Entitlements entitlements;
    final Reservations reservations;
    private final Db db;
    private final Plan plan;
    private final SetClock clock;

    Replica(Db db, Alerts alerts, Plan plan, SetClock clock) {
        this.db = db;
        this.plan = plan;
        this.clock = clock;
        reservations = new Reservations(db, TERM, clock);
        entitlements = new Entitlements(tier -> plan, reservations, alerts, System::nanoTime);
    }

    /** A plan of these limits; longest answers of 512 tokens by default. */
    static Plan plan(int requestsPerMinute, long tokensPerMinute, int concurrent, long tokensPerMonth) {
        return new Plan(
                Tier.COMMUNITY,
                Instant.EPOCH,
                Set.of(Use.INFER),
                null,
                requestsPerMinute,
                tokensPerMinute,
                concurrent,
                tokensPerMonth,
                100_000,
                512,
                1,
                false,
                false);
    }

    /** A plan that nothing here reaches. */
    static Plan wide() {
        return plan(1_000_000, 1_000_000_000, 1_000_000, 1_000_000_000_000L);
    }

    static Caller caller(String tenant, String project) {
        return new Caller(tenant, project, "key_1", Tier.COMMUNITY, Role.DEVELOPER, "00");
    }

    static UUID job() {
        return JobId.create(NOON.toEpochMilli(), RANDOM).value();
    }

    /** A request that names its max_tokens. */
    static Demand explicit(long prompt, long answer) {
        return new Demand(List.of(job()), prompt, answer, false, 1, BigDecimal.ZERO, BigDecimal.ZERO);
    }

    /** A request that names none, with the tier's default. */
    static Demand open(long prompt, long answer) {
        return new Demand(List.of(job()), prompt, answer, true, 1, BigDecimal.ZERO, BigDecimal.ZERO);
    }

    Admission reserve(String tenant, Demand demand) {
        return entitlements.reserve(caller(tenant, "default"), demand);
    }

    /** Posts a job's end, as whichever gateway does. */
    List<LimitAlert> settle(Demand demand, long tokens, String cost) {
        return db.ledger(handle -> new Settlement(clock)
                .settle(handle, List.of(new Settlement.Used(demand.jobs().getFirst(), tokens, new BigDecimal(cost)))));
    }

    /** How the tenant as a whole stands. */
    Standing standing(String tenant) {
        return standing(tenant, "");
    }

    Standing standing(String tenant, String project) {
        return db.tenant(tenant, handle -> AdmissionStore.standings(handle, tenant, plan)).stream()
                .filter(s -> s.projectId().equals(project))
                .findFirst()
                .orElseThrow();
    }

    Standing.Use use(String tenant, Quota quota) {
        return standing(tenant).use(quota, clock.instant());
    }
}
