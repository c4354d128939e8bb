package io.altiplano.gateway.entitlement;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Taking, freeing and expiring in SQL: each call is one statement, and all that must hold together is inside it. */
final class AdmissionStore {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();

    private AdmissionStore() {}

    /**
     * Answers asks in their order.
     *
     * @param at now, for tests; null: by the database's clock
     * @param term of reservations
     */
    static List<Verdict> admit(Handle statement, List<Ask> asks, @Nullable Instant at, Duration term) {
        Verdict[] verdicts = new Verdict[asks.size()];
        statement
                .createQuery("SELECT * FROM admit(:asks::jsonb, :at, make_interval(secs => :term))")
                .bind("asks", json(asks))
                .bind("at", at == null ? null : at.atOffset(ZoneOffset.UTC))
                .bind("term", term.toMillis() / 1000.0)
                .map((row, context) -> {
                    verdicts[row.getInt("nr")] = verdict(row);
                    return true;
                })
                .list();
        return List.of(verdicts);
    }

    private static String json(List<Ask> asks) {
        ArrayNode all = JsonNodeFactory.instance.arrayNode();
        for (Ask ask : asks) {
            ObjectNode one = all.addObject();
            one.put("nr", all.size() - 1);
            one.put("tenant", ask.tenantId());
            one.put("project", ask.projectId());
            one.set("plan", plan(ask.plan()));
            Demand d = ask.demand();
            one.put("prompt", d == null ? 0 : d.prompt());
            one.put("answer", d == null ? 0 : d.answer());
            one.put("shrink", d != null && d.shrink());
            one.put("at_least", d == null ? 1 : d.atLeast());
            one.put("prompt_price", d == null ? BigDecimal.ZERO : d.promptPrice());
            one.put("answer_price", d == null ? BigDecimal.ZERO : d.answerPrice());
            if (d != null) {
                ArrayNode jobs = one.putArray("jobs");
                d.jobs().forEach(job -> jobs.add(job.toString()));
                one.put("gateway", d.gateway() == null ? null : d.gateway().toString());
            }
        }
        return all.toString();
    }

    /** A plan as the database's {@code limit_set}. */
    static ObjectNode plan(Plan plan) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("requests_per_minute", plan.requestsPerMinute())
                .put("tokens_per_minute", plan.tokensPerMinute())
                .put("concurrent", plan.concurrent())
                .put("hard_per_month", plan.tokensPerMonth())
                .put("tokens_per_month", plan.tokensPerMonth());
    }

    private static Verdict verdict(ResultSet row) throws SQLException {
        Instant at = instant(row, "decided_at");
        List<Rate> requests = new ArrayList<>();
        List<Rate> tokens = new ArrayList<>();
        for (String scope : List.of("tenant", "project")) {
            Rate.of(number(row, scope + "_rpm"), instant(row, scope + "_requests_until"), at)
                    .ifPresent(requests::add);
            Rate.of(number(row, scope + "_tpm"), instant(row, scope + "_tokens_until"), at)
                    .ifPresent(tokens::add);
        }
        return row.getBoolean("admitted")
                ? new Verdict.Admitted(
                        row.getLong("answer"),
                        number(row, "tenant_concurrent"),
                        number(row, "project_concurrent"),
                        List.copyOf(requests),
                        List.copyOf(tokens))
                : new Verdict.Refused(
                        standing(row.getString("of_tenant")),
                        standing(row.getString("of_project")),
                        at,
                        List.copyOf(requests),
                        List.copyOf(tokens));
    }

    /** How the tenant and those of its projects that were ever asked for stand; the tenant first. */
    static List<Standing> standings(Handle tenant, String tenantId, Plan plan) {
        return tenant.createQuery("""
                        SELECT coalesce(to_jsonb(u), '{}'::jsonb) || jsonb_build_object('tenant_id', s.tenant_id,
                            'project_id', s.project_id, 'limits', to_jsonb(limits_of(s.tenant_id, s.project_id,
                                CASE WHEN s.project_id = '' THEN jsonb_populate_record(NULL::limit_set, :plan::jsonb) END)))
                            AS standing
                        FROM (SELECT :tenant AS tenant_id, '' AS project_id UNION ALL
                            SELECT p.tenant_id, p.id FROM project p WHERE p.tenant_id = :tenant AND p.archived_at IS NULL) s
                        LEFT JOIN limit_use u ON u.tenant_id = s.tenant_id AND u.project_id = s.project_id
                        ORDER BY s.project_id""")
                .bind("tenant", tenantId)
                .bind("plan", plan(plan).toString())
                .map((row, context) -> standing(row.getString("standing")))
                .list();
    }

    /** The answers of a tenant's jobs have ended. */
    static void freePlaces(Handle statement, String tenantId, List<UUID> jobs) {
        call(statement.createQuery("SELECT true FROM free_places(:tenant, :jobs)"), tenantId, jobs);
    }

    /** A tenant's jobs were not sent. */
    static void release(Handle statement, String tenantId, List<UUID> jobs, @Nullable Instant at) {
        call(
                statement
                        .createQuery("SELECT true FROM release_reservations(:tenant, :jobs, :at)")
                        .bind("at", at == null ? null : at.atOffset(ZoneOffset.UTC)),
                tenantId,
                jobs);
    }

    private static void call(org.jdbi.v3.core.statement.Query query, String tenantId, List<UUID> jobs) {
        var unused = query.bind("tenant", tenantId)
                .bindArray("jobs", UUID.class, jobs)
                .mapTo(Boolean.class)
                .list();
    }

    /** What a gateway process that is gone had reserved is held for so long at most; how many. */
    static long desert(Handle ledger, UUID gateway, @Nullable Instant at, Duration grace) {
        return ledger.createQuery("SELECT desert_reservations(:gateway, :at, make_interval(secs => :grace))")
                .bind("gateway", gateway)
                .bind("at", at == null ? null : at.atOffset(ZoneOffset.UTC))
                .bind("grace", grace.toMillis() / 1000.0)
                .mapTo(Long.class)
                .one();
    }

    /** Ends what has outlived its term; how many. */
    static long expire(Handle ledger, @Nullable Instant at) {
        return ledger.createQuery("SELECT expire_reservations(:at)")
                .bind("at", at == null ? null : at.atOffset(ZoneOffset.UTC))
                .mapTo(Long.class)
                .one();
    }

    private static Standing standing(String json) {
        try {
            JsonNode n = JSON.readTree(json);
            JsonNode l = n.path("limits");
            return new Standing(
                    n.path("tenant_id").asText(""),
                    n.path("project_id").asText(""),
                    new Standing.LimitSet(
                            whole(l, "requests_per_minute"),
                            whole(l, "tokens_per_minute"),
                            whole(l, "concurrent"),
                            whole(l, "hard_per_day"),
                            whole(l, "hard_per_month"),
                            money(l, "hard_budget"),
                            whole(l, "tokens_per_day"),
                            whole(l, "tokens_per_month"),
                            money(l, "budget_per_month")),
                    n.path("running").asLong(),
                    day(n, "day"),
                    n.path("day_used").asLong(),
                    n.path("day_held").asLong(),
                    day(n, "month"),
                    n.path("month_used").asLong(),
                    n.path("month_held").asLong(),
                    Optional.ofNullable(money(n, "spent")).orElse(BigDecimal.ZERO),
                    Optional.ofNullable(money(n, "spent_held")).orElse(BigDecimal.ZERO));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the database wrote this JSON", e);
        }
    }

    private static @Nullable Long whole(JsonNode node, String name) {
        return node.path(name).isNumber() ? node.path(name).longValue() : null;
    }

    private static @Nullable BigDecimal money(JsonNode node, String name) {
        return node.path(name).isNumber() ? node.path(name).decimalValue() : null;
    }

    /** A scope from which nothing was ever taken is in no period. */
    private static LocalDate day(JsonNode node, String name) {
        String text = node.path(name).asText("");
        return Stream.of("", "null", "-infinity").anyMatch(text::equals) ? LocalDate.MIN : LocalDate.parse(text);
    }

    private static @Nullable Long number(ResultSet row, String column) throws SQLException {
        long value = row.getLong(column);
        return row.wasNull() ? null : value;
    }

    private static Instant instant(ResultSet row, String column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }
}
