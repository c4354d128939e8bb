package io.altiplano.gateway.usage;

import java.io.PrintWriter;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * Measures the sums of a tenant's month as a request of that tenant reads them, beside the same transaction without the sums, turn
 * by turn: what both take is the machine's, and no faster sum would shorten it.
 */
final class MonthBench {
    private static final int WARM_UP = 200;
    private static final int MEASURED = 2000;
    private static final int DAYS = 31;
    private static final int MODELS = 4;

    private final Handle ledger;
    private final Handle owner;
    private final Handle tenant;
    private final int tenants;
    private final Random random = new Random(1);
    private final OffsetDateTime first = OffsetDateTime.now(ZoneOffset.UTC)
            .truncatedTo(ChronoUnit.DAYS)
            .withDayOfMonth(1)
            .minusMonths(1);

    private enum Reading {
        MONTH("a calendar month, from rollups by month"),
        DAYS("31 days that are none, from rollups by day"),
        NOTHING("SELECT 1 in their place, turn by turn");

        private final String text;

        Reading(String text) {
            this.text = text;
        }
    }

    /** @param tenants whose rollups are filled, with 1,280 rows by day each */
    MonthBench(Handle ledger, Handle owner, Handle tenant, int tenants) {
        this.ledger = ledger;
        this.owner = owner;
        this.tenant = tenant;
        this.tenants = tenants;
    }

    /** Measures and prints. */
    void run(PrintWriter out) {
        long filled = fill();
        Map<Reading, long[]> nanos = new EnumMap<>(Reading.class);
        for (int i = -WARM_UP; i < MEASURED; i++) {
            for (Reading reading : Reading.values()) {
                String id = "month-" + (1 + random.nextInt(tenants));
                long begin = System.nanoTime();
                read(reading, id);
                if (i >= 0) {
                    nanos.computeIfAbsent(reading, r -> new long[MEASURED])[i] = System.nanoTime() - begin;
                }
            }
        }
        out.printf(
                Locale.ROOT,
                "A tenant's month by model, of %,d rows of rollups by day, %,d times each:%n",
                filled,
                MEASURED);
        nanos.forEach((reading, all) -> {
            Arrays.sort(all);
            out.printf(
                    Locale.ROOT,
                    "  %-48s p50 %.2f ms, p99 %.2f ms, longest %.2f ms%n",
                    reading.text,
                    all[MEASURED / 2] / 1e6,
                    all[MEASURED * 99 / 100] / 1e6,
                    all[MEASURED - 1] / 1e6);
        });
    }

    private void read(Reading reading, String id) {
        int read = tenant.inTransaction(h -> {
            h.execute("SELECT set_config('app.tenant', ?, true)", id);
            return switch (reading) {
                case MONTH ->
                    UsageStore.sums(h, id, span(first, first.plusMonths(1))).size();
                case DAYS ->
                    UsageStore.sums(h, id, span(first.plusDays(1), first.plusDays(1 + DAYS)))
                            .size();
                case NOTHING ->
                    MODELS * h.createQuery("SELECT 1").mapTo(Integer.class).one();
            };
        });
        if (read != MODELS) {
            throw new IllegalStateException(id + " has " + read + " sums and not one a model");
        }
    }

    private static UsageQuery span(OffsetDateTime from, OffsetDateTime to) {
        return new UsageQuery(from.toInstant(), to.toInstant(), null, Set.of(UsageQuery.Group.MODEL));
    }

    /** Day by day and tenants in any order within it, as rows come to be: a tenant's are spread over the whole table. */
    private long fill() {
        long filled = ledger.inTransaction(h -> {
            long days = h.createUpdate("""
                            INSERT INTO usage_day SELECT 'month-' || t, :first + d * interval '1 day', 'project-' || p,
                                'key_' || k, 'model-' || m, 100, 1, 100000, 20000, 50000, 0.05
                            FROM generate_series(1, :tenants) t, generate_series(0, :days) d, generate_series(1, 2) p,
                                generate_series(1, 5) k, generate_series(1, :models) m
                            ORDER BY d, hashint8(t * 1000 + p * 100 + k * 10 + m)""")
                    .bind("first", first)
                    .bind("tenants", tenants)
                    .bind("days", DAYS)
                    .bind("models", MODELS)
                    .execute();
            h.execute("""
                    INSERT INTO usage_month SELECT tenant_id, date_trunc('month', start_at, 'UTC'), project_id, api_key_id, model,
                        sum(requests), sum(failed), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
                    FROM usage_day WHERE tenant_id LIKE 'month-%' GROUP BY 1, 2, 3, 4, 5 ORDER BY hashtext(tenant_id || api_key_id)""");
            return days;
        });
        owner.execute("VACUUM ANALYZE usage_day, usage_month");
        return filled;
    }
}
