package io.altiplano.gateway.entitlement;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the database says to an ask. */
sealed interface Verdict {
    /** How the limits of requests a minute stand, the tenant's before the project's; one that there is not is left out. */
    List<Rate> requests();

    /** The same of tokens. */
    List<Rate> tokens();

    /**
     * It took what it asked for.
     *
     * @param answer tokens of the longest answer
     * @param tenantConcurrent the tenant's limit of requests under way; null: none
     * @param projectConcurrent the project's
     */
    record Admitted(
            long answer,
            @Nullable Long tenantConcurrent,
            @Nullable Long projectConcurrent,
            List<Rate> requests,
            List<Rate> tokens)
            implements Verdict {}

    /** It took nothing, as the tenant and the project stood at an instant. */
    record Refused(Standing tenant, Standing project, Instant at, List<Rate> requests, List<Rate> tokens)
            implements Verdict {}
}
