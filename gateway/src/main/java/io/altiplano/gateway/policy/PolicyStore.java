package io.altiplano.gateway.policy;

import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code platform_policy} in SQL. */
final class PolicyStore {
    private PolicyStore() {}

    /** All rules, newest first: the first one holds. */
    static List<PolicyRules> all(Handle operator) {
        return operator.createQuery("SELECT * FROM platform_policy ORDER BY seq DESC LIMIT 1000")
                .map(ConstructorMapper.of(PolicyRules.class))
                .list();
    }

    static void insert(Handle operator, int months, int notice, int grace, boolean deny, String by) {
        operator.execute(
                "INSERT INTO platform_policy (reattestation_months, notice_days, grace_days, deny_after_grace, recorded_by)"
                        + " VALUES (?, ?, ?, ?, ?)",
                months,
                notice,
                grace,
                deny,
                by);
    }
}
