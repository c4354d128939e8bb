package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.tenant.Tier;
import io.altiplano.licensing.Use;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/** {@code tier_plan} in SQL. */
final class PlanStore {
    private PlanStore() {}

    /** Every tier's plan of now. */
    static List<Plan> inForce(Handle handle) {
        return handle.createQuery("""
                        SELECT DISTINCT ON (tier) * FROM tier_plan WHERE effective_from <= clock_timestamp()
                        ORDER BY tier, effective_from DESC""").map((rs, ctx) -> plan(rs)).list();
    }

    /** All plans, of the past and to come, by tier and day. */
    static List<Plan> all(Handle handle) {
        return handle.createQuery("SELECT * FROM tier_plan ORDER BY tier, effective_from")
                .map((rs, ctx) -> plan(rs))
                .list();
    }

    /** Adds a plan; false if the tier has one from that instant already. */
    static boolean insert(Handle operator, Plan p, String recordedBy) {
        return operator.createUpdate("""
                                INSERT INTO tier_plan (tier, effective_from, uses, models, requests_per_minute,
                                    tokens_per_minute, concurrent, tokens_per_month, max_tokens, default_max_tokens, weight,
                                    batch, fine_tune, recorded_by)
                                VALUES (:tier, :from, :uses, :models, :requestsPerMinute, :tokensPerMinute, :concurrent,
                                    :tokensPerMonth, :maxTokens, :defaultMaxTokens, :weight, :batch, :fineTune, :by)
                                ON CONFLICT DO NOTHING""")
                        .bindMethods(p)
                        .bind("tier", p.tier().name())
                        .bind("from", p.effectiveFrom().atOffset(ZoneOffset.UTC))
                        .bindArray(
                                "uses",
                                String.class,
                                p.uses().stream().map(Use::name).sorted().toArray())
                        .bindArray(
                                "models",
                                String.class,
                                p.models() == null
                                        ? null
                                        : p.models().stream().sorted().toArray())
                        .bind("by", recordedBy)
                        .execute()
                == 1;
    }

    private static Plan plan(ResultSet rs) throws SQLException {
        Array models = rs.getArray("models");
        return new Plan(
                Tier.valueOf(rs.getString("tier")),
                rs.getTimestamp("effective_from").toInstant(),
                texts(rs.getArray("uses")).stream().map(Use::valueOf).collect(Collectors.toSet()),
                models == null ? null : texts(models),
                rs.getInt("requests_per_minute"),
                rs.getLong("tokens_per_minute"),
                rs.getInt("concurrent"),
                rs.getLong("tokens_per_month"),
                rs.getInt("max_tokens"),
                rs.getInt("default_max_tokens"),
                rs.getInt("weight"),
                rs.getBoolean("batch"),
                rs.getBoolean("fine_tune"));
    }

    private static Set<String> texts(Array array) throws SQLException {
        return Set.copyOf(Arrays.asList((String[]) array.getArray()));
    }
}
