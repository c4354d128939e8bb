package io.altiplano.gateway.usage;

import io.altiplano.gateway.price.Cost;
import io.altiplano.gateway.price.PriceList;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/** An entry and what it costs by the prices in force when its job was submitted. */
record CostedEntry(LedgerEntry entry, Cost cost) {
    /** The entries with their costs, each job once: the first of several is the one that counts. */
    static List<CostedEntry> of(List<LedgerEntry> entries, PriceList prices) {
        Set<UUID> seen = HashSet.newHashSet(entries.size());
        List<CostedEntry> costed = new ArrayList<>(entries.size());
        for (LedgerEntry entry : entries) {
            if (seen.add(entry.jobId())) {
                costed.add(new CostedEntry(entry, cost(entry, prices)));
            }
        }
        return costed;
    }

    private static Cost cost(LedgerEntry entry, PriceList prices) {
        return entry.outcome().equals("FAILED")
                ? Cost.NONE
                : prices.price(entry.tenantId(), entry.model(), entry.submittedAt())
                        .cost(entry.counts());
    }
}
