package io.altiplano.gateway.usage;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a batch adds to the rollups. */
final class Rollups {
    /** The spans of the rollups, each of table {@code usage_<span>}; whoever posts locks their rows in this order. */
    enum Span {
        HOUR,
        DAY,
        MONTH;

        /** The name in its table's. */
        String text() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The first instant of the span, UTC. */
        private Instant of(Instant at) {
            OffsetDateTime utc = at.atOffset(ZoneOffset.UTC);
            return switch (this) {
                case HOUR -> utc.truncatedTo(ChronoUnit.HOURS).toInstant();
                case DAY -> utc.truncatedTo(ChronoUnit.DAYS).toInstant();
                case MONTH -> utc.truncatedTo(ChronoUnit.DAYS).withDayOfMonth(1).toInstant();
            };
        }
    }

    /** A rollup's key; ordered as its columns are, so that all gateways meet the same rows in the same order. */
    private record Key(String tenantId, Instant startAt, String projectId, String apiKeyId, String model) {
        private static final Comparator<Key> ORDER = Comparator.comparing(Key::tenantId)
                .thenComparing(Key::startAt)
                .thenComparing(Key::projectId)
                .thenComparing(Key::apiKeyId)
                .thenComparing(Key::model);
    }

    private record Sum(
            Key key, long requests, long failed, long prompt, long cached, long completion, BigDecimal cost) {
        static Sum of(CostedEntry costed) {
            LedgerEntry e = costed.entry();
            boolean failed = e.outcome().equals("FAILED");
            return new Sum(
                    new Key(e.tenantId(), Span.HOUR.of(e.submittedAt()), e.projectId(), e.apiKeyId(), e.model()),
                    failed ? 0 : 1,
                    failed ? 1 : 0,
                    e.promptTokens(),
                    e.cachedTokens(),
                    e.completionTokens(),
                    costed.total());
        }

        Sum in(Span span) {
            Key in = new Key(key.tenantId, span.of(key.startAt), key.projectId, key.apiKeyId, key.model);
            return new Sum(in, requests, failed, prompt, cached, completion, cost);
        }

        Sum plus(Sum other) {
            return new Sum(
                    key,
                    requests + other.requests,
                    failed + other.failed,
                    prompt + other.prompt,
                    cached + other.cached,
                    completion + other.completion,
                    cost.add(other.cost));
        }
    }

    private Rollups() {}

    /** The sums of entries by every span, as rows of {@code sum_staging}: by span, then in their keys' order. */
    static CopyRows of(List<CostedEntry> entries) {
        CopyRows rows = new CopyRows(1 << 16);
        Collection<Sum> shorter = entries.stream().map(Sum::of).toList();
        for (Span span : Span.values()) {
            Map<Key, Sum> sums = new HashMap<>();
            shorter.stream().map(sum -> sum.in(span)).forEach(sum -> sums.merge(sum.key, sum, Sum::plus));
            shorter = sums.values();
            shorter.stream().sorted(Comparator.comparing(Sum::key, Key.ORDER)).forEach(sum -> add(rows, span, sum));
        }
        return rows;
    }

    private static void add(CopyRows rows, Span span, Sum sum) {
        rows.row(12).int2(span.ordinal());
        rows.text(sum.key.tenantId).instant(sum.key.startAt).text(sum.key.projectId);
        rows.text(sum.key.apiKeyId).text(sum.key.model);
        rows.int8(sum.requests).int8(sum.failed);
        rows.int8(sum.prompt).int8(sum.cached).int8(sum.completion).numeric(sum.cost);
    }
}
