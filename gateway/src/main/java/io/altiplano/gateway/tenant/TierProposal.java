package io.altiplano.gateway.tenant;

import io.altiplano.gateway.approval.ContentHash;
import java.util.List;

/**
 * A wish to move a tenant for which two persons are needed.
 *
 * @param licences for the integrated-product tier: the licences whose materials reach the tenant only inside the product
 */
record TierProposal(
        String id,
        String tenantId,
        Tier fromTier,
        Tier toTier,
        List<String> licences,
        String reason,
        String recordedBy) {
    TierProposal {
        licences = licences.stream().sorted().toList();
    }

    /** The tenant's present tier is part of it: a tenant that has moved since is not the one that was decided about. */
    String contentHash(Tier present) {
        return ContentHash.of("TIER")
                .field(tenantId)
                .field(fromTier)
                .field(present)
                .field(toTier)
                .field(String.join(",", licences))
                .field(reason)
                .hex();
    }
}
