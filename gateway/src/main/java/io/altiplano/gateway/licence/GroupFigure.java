package io.altiplano.gateway.licence;

import io.altiplano.licensing.Figure;
import java.text.Normalizer;
import java.time.Instant;
import java.time.YearMonth;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The monthly active users of a group (clause 2: the products or services made available by or for the licensee or its
 * affiliates, together), from what its tenants attested.
 *
 * <p>A product of a legal entity counts once, by its name, however many accounts of that entity state it; where they differ,
 * the largest counts. An affiliate counts once, by its registration number or else its name: the largest of what the others state
 * of it and what it states itself. So nobody is counted twice, and no account can make the figure smaller.
 */
final class GroupFigure {
    private GroupFigure() {}

    /**
     * A line of an accepted attestation of a tenant of the group.
     *
     * @param member the tenant
     * @param memberRegistration its legal entity's registration number, or null
     */
    record GroupLine(
            String licence,
            YearMonth month,
            Instant at,
            String member,
            @Nullable String memberRegistration,
            AttestationRecord.Line line) {}

    /** The figure; {@link Long#MAX_VALUE} where it is larger than a {@code long}. */
    static long of(List<GroupLine> lines) {
        Map<String, Map<String, Long>> products = new HashMap<>();
        Map<String, Long> declared = new HashMap<>();
        for (GroupLine l : lines) {
            String entity = l.memberRegistration() == null ? "tenant " + l.member() : l.memberRegistration();
            if (l.line().kind() == Figure.Kind.PRODUCT) {
                products.computeIfAbsent(entity, e -> new HashMap<>())
                        .merge(key(l.line().name()), l.line().monthlyActiveUsers(), Math::max);
            } else {
                String registration = l.line().registrationNumber();
                declared.merge(
                        registration == null ? "name " + key(l.line().name()) : registration,
                        l.line().monthlyActiveUsers(),
                        Math::max);
            }
        }
        Map<String, Long> entities = declared;
        products.forEach((entity, own) ->
                entities.merge(entity, sum(own.values().stream().mapToLong(v -> v)), Math::max));
        return sum(entities.values().stream().mapToLong(v -> v));
    }

    /** The sum; {@link Long#MAX_VALUE} where it overflows, so that it never passes. */
    static long sum(LongStream values) {
        return values.reduce(0, (a, b) -> a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b);
    }

    /** Names that people would take for one are one. */
    private static String key(String name) {
        return Normalizer.normalize(name, Normalizer.Form.NFKC)
                .strip()
                .replaceAll("\\s+", " ")
                .toLowerCase(Locale.ROOT);
    }
}
