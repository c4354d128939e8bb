package io.altiplano.gateway.usage;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which sums are wanted.
 *
 * @param from first instant, a whole hour UTC; null: from the beginning
 * @param to first instant after, a whole hour UTC; null: no end
 * @param bucket the spans that are summed by themselves; null: one sum
 * @param groups what is summed by itself
 */
public record UsageQuery(
        @Nullable Instant from,
        @Nullable Instant to,
        @Nullable Bucket bucket,
        Set<Group> groups) {
    /** By model, of all time. */
    public static final UsageQuery BY_MODEL = new UsageQuery(null, null, null, Set.of(Group.MODEL));

    private static final Duration MOST_HOURS = Duration.ofDays(31);
    private static final Instant EARLIEST = Instant.parse("2000-01-01T00:00:00Z");
    private static final Instant LATEST = Instant.parse("9999-01-01T00:00:00Z");

    /** A span of time that has a sum of its own. */
    public enum Bucket {
        HOUR,
        DAY
    }

    /** What sums may be told apart by, in the order in which they are sorted. */
    public enum Group {
        PROJECT("project_id"),
        API_KEY("api_key_id"),
        MODEL("model");

        private final String column;

        Group(String column) {
            this.column = column;
        }

        String column() {
            return column;
        }
    }

    public UsageQuery {
        groups = Set.copyOf(groups);
    }

    /**
     * Reads the query parameters {@code from}, {@code to}, {@code bucket} and {@code group_by}.
     *
     * @throws ApiException 400 naming the parameter that is none
     */
    public static UsageQuery of(
            @Nullable String from, @Nullable String to, @Nullable String bucket, @Nullable String groupBy) {
        UsageQuery query = new UsageQuery(hour("from", from), hour("to", to), bucket(bucket), groups(groupBy));
        if (query.from != null && query.to != null && !query.to.isAfter(query.from)) {
            throw wrong("to", "must be after from");
        }
        if (query.bucket == Bucket.HOUR) {
            Instant begin = query.from;
            if (begin == null
                    || query.to == null
                    || Duration.between(begin, query.to).compareTo(MOST_HOURS) > 0) {
                throw wrong("bucket", "of hour needs from and to, at most 31 days apart");
            }
        }
        return query;
    }

    /** The table of the longest spans that are fine enough. */
    String rollup() {
        if (bucket == null && whole(ChronoUnit.MONTHS)) {
            return "usage_month";
        }
        return bucket != Bucket.HOUR && whole(ChronoUnit.DAYS) ? "usage_day" : "usage_hour";
    }

    /** Whether a span of this length, UTC, begins at both ends. */
    private boolean whole(ChronoUnit unit) {
        return whole(from, unit) && whole(to, unit);
    }

    private static boolean whole(@Nullable Instant at, ChronoUnit unit) {
        return at == null
                || (at.truncatedTo(ChronoUnit.DAYS).equals(at)
                        && (unit == ChronoUnit.DAYS
                                || at.atOffset(ZoneOffset.UTC).getDayOfMonth() == 1));
    }

    private static @Nullable Instant hour(String name, @Nullable String text) {
        if (text == null) {
            return null;
        }
        try {
            Instant at = Instant.parse(text);
            if (at.truncatedTo(ChronoUnit.HOURS).equals(at) && !at.isBefore(EARLIEST) && !at.isAfter(LATEST)) {
                return at;
            }
        } catch (DateTimeException e) {
            throw wrong(name, "must be a whole hour such as 2026-11-01T00:00:00Z");
        }
        throw wrong(name, "must be a whole hour such as 2026-11-01T00:00:00Z");
    }

    private static @Nullable Bucket bucket(@Nullable String text) {
        return switch (text) {
            case null -> null;
            case "hour" -> Bucket.HOUR;
            case "day" -> Bucket.DAY;
            default -> throw wrong("bucket", "must be hour or day");
        };
    }

    private static Set<Group> groups(@Nullable String text) {
        if (text == null) {
            return Set.of(Group.MODEL);
        }
        Set<Group> groups = EnumSet.noneOf(Group.class);
        for (String name : text.split(",", 10)) {
            switch (name.strip().toLowerCase(Locale.ROOT)) {
                case "project" -> groups.add(Group.PROJECT);
                case "api_key" -> groups.add(Group.API_KEY);
                case "model" -> groups.add(Group.MODEL);
                case "none", "" -> {}
                default ->
                    throw wrong("group_by", "must be none, or of project, api_key and model with commas between");
            }
        }
        return groups;
    }

    private static ApiException wrong(String name, String requirement) {
        return new ApiException(ApiError.invalidRequest(name, "invalid_value", name + " " + requirement + "."));
    }
}
