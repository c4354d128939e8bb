package io.altiplano.gateway.usage;

import io.altiplano.gateway.price.Cost;
import io.altiplano.gateway.price.PriceList;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * An entry and what it costs by the prices in force when its job was submitted.
 *
 * @param total the cost's
 */
record CostedEntry(LedgerEntry entry, Cost cost, BigDecimal total) {
    CostedEntry(LedgerEntry entry, Cost cost) {
        this(entry, cost, cost.total());
    }

    /**
     * The entries with their costs, each job once: the first of several is the one that counts. In the order of their ids, so that
     * of two transactions that post the same jobs one waits for the other, and never in a ring.
     */
    static List<CostedEntry> of(List<LedgerEntry> entries, PriceList prices) {
        Set<UUID> seen = HashSet.newHashSet(entries.size());
        List<CostedEntry> costed = new ArrayList<>(entries.size());
        for (LedgerEntry entry : entries) {
            if (seen.add(entry.jobId())) {
                costed.add(new CostedEntry(entry, cost(entry, prices)));
            }
        }
        costed.sort(Comparator.comparing(e -> e.entry().jobId()));
        return costed;
    }

    /** The entries but those of some jobs. */
    static List<CostedEntry> without(Set<UUID> jobs, List<CostedEntry> entries) {
        return jobs.isEmpty()
                ? entries
                : entries.stream()
                        .filter(e -> !jobs.contains(e.entry().jobId()))
                        .toList();
    }

    private static Cost cost(LedgerEntry entry, PriceList prices) {
        return entry.outcome().equals("FAILED")
                ? Cost.NONE
                : prices.price(entry.tenantId(), entry.model(), entry.submittedAt())
                        .cost(entry.counts());
    }
}
