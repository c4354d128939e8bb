package io.altiplano.gateway.policy;

import io.altiplano.gateway.policy.EndUsers.Place;
import java.time.YearMonth;
import java.util.Arrays;
import java.util.List;
import org.apache.datasketches.hll.HllSketch;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code end_user_sketch} in SQL. */
final class EndUserStore {
    /** Bounds of two standard errors. */
    private static final int ERRORS = 2;

    private EndUserStore() {}

    /** Adds a sketch to the month's union. */
    static void add(Handle tenant, Place place, HllSketch sketch) {
        if (write(tenant, place, sketch, """
                INSERT INTO end_user_sketch (tenant_id, month, sketch, estimate, lower_bound, upper_bound)
                VALUES (:tenant, :month, :sketch, :estimate, :lower, :upper) ON CONFLICT DO NOTHING""") == 1) {
            return;
        }
        byte[] known = tenant.createQuery(
                        "SELECT sketch FROM end_user_sketch WHERE tenant_id = :tenant AND month = :month FOR UPDATE")
                .bind("tenant", place.tenantId())
                .bind("month", place.month().toString())
                .mapTo(byte[].class)
                .one();
        HllSketch union = EndUsers.union(HllSketch.heapify(known), sketch);
        if (!Arrays.equals(union.toCompactByteArray(), known)) {
            write(tenant, place, union, """
                    UPDATE end_user_sketch SET sketch = :sketch, estimate = :estimate, lower_bound = :lower,
                        upper_bound = :upper, updated_at = clock_timestamp()
                    WHERE tenant_id = :tenant AND month = :month""");
        }
    }

    private static int write(Handle tenant, Place place, HllSketch sketch, String sql) {
        long estimate = Math.round(sketch.getEstimate());
        return tenant.createUpdate(sql)
                .bind("tenant", place.tenantId())
                .bind("month", place.month().toString())
                .bind("sketch", sketch.toCompactByteArray())
                .bind("estimate", estimate)
                .bind("lower", Math.min(estimate, (long) Math.floor(sketch.getLowerBound(ERRORS))))
                .bind("upper", Math.max(estimate, (long) Math.ceil(sketch.getUpperBound(ERRORS))))
                .execute();
    }

    /** A tenant's estimates, newest month first. */
    static List<EndUserEstimate> of(Handle operator, String tenantId) {
        return operator.createQuery(
                        "SELECT * FROM end_user_sketch WHERE tenant_id = :tenant ORDER BY month DESC LIMIT 120")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(EndUserEstimate.class))
                .list();
    }

    /**
     * Estimates that may contradict what was attested. A group's figure is never less than the largest line of any of its tenants,
     * so those whose lower bound does not even pass their own largest line are left out here.
     */
    static List<EndUserEstimate> suspects(Handle operator, List<YearMonth> months) {
        return operator.createQuery("""
                        SELECT s.* FROM end_user_sketch s
                        WHERE s.month IN (<months>) AND s.lower_bound > coalesce((
                            SELECT min(own.most) FROM (
                                SELECT max(i.monthly_active_users) AS most
                                FROM attestation a JOIN attestation_item i ON i.attestation_id = a.id
                                WHERE a.tenant_id = s.tenant_id AND a.state = 'ACCEPTED' GROUP BY a.licence) own), 0)
                        ORDER BY s.tenant_id, s.month""")
                .bindList("months", months.stream().map(YearMonth::toString).toList())
                .map(ConstructorMapper.of(EndUserEstimate.class))
                .list();
    }
}
