package io.altiplano.gateway.licence;

import io.altiplano.gateway.licence.GroupFigure.GroupLine;
import io.altiplano.licensing.LicenceVersion;
import io.altiplano.licensing.Licences;
import java.time.YearMonth;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * What a tenant's whole group attested for one licence version.
 *
 * @param month the calendar month that the licence measures
 * @param threshold of the licence, above which it asks for Meta's grant
 */
public record AttestedFigure(String licence, YearMonth month, long monthlyActiveUsers, long threshold) {
    /** The smallest threshold of all licences. */
    public static final long LEAST_THRESHOLD = Licences.META.stream()
            .flatMapToLong(l -> l.threshold().stream())
            .min()
            .orElse(Long.MAX_VALUE);

    /** One a licence for which there is an accepted attestation in the group, by licence. */
    public static List<AttestedFigure> ofGroup(Handle operator, String tenantId) {
        Map<String, List<GroupLine>> byLicence = AttestationStore.groupLines(operator, tenantId, null).stream()
                .collect(Collectors.groupingBy(GroupLine::licence, TreeMap::new, Collectors.toList()));
        return byLicence.entrySet().stream()
                .map(e -> new AttestedFigure(
                        e.getKey(),
                        e.getValue().getFirst().month(),
                        GroupFigure.of(e.getValue()),
                        threshold(e.getKey())))
                .toList();
    }

    private static long threshold(String licence) {
        return Licences.META.stream()
                .filter(l -> l.id().equals(licence))
                .flatMapToLong((LicenceVersion l) -> l.threshold().stream())
                .findFirst()
                .orElse(LEAST_THRESHOLD);
    }
}
