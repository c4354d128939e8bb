package io.altiplano.licensing;

import java.time.Instant;
import java.util.List;

/** The answer to a {@link LicenceRequest}. */
public sealed interface Decision {
    /** Ids of the licence versions that the model stands under, its roots' first. */
    List<String> licences();

    /**
     * The instant at which the passing of time alone may change the answer (a grant's last day ends, say); it holds until just
     * before, as long as no fact changes. {@link Instant#MAX} if never.
     */
    Instant holdsUntil();

    /**
     * The use is permitted.
     *
     * @param obligations the duties, those of the roots' licences first
     * @param grants ids of the grants without which it would be denied
     */
    record Permit(List<Obligation> obligations, List<String> licences, List<String> grants, Instant holdsUntil)
            implements Decision {
        /** Copies the lists. */
        public Permit {
            obligations = List.copyOf(obligations);
            licences = List.copyOf(licences);
            grants = List.copyOf(grants);
        }
    }

    /**
     * The use is denied.
     *
     * @param reasons all of them, at least one, in order of {@link ReasonCode}
     */
    record Deny(List<Reason> reasons, List<String> licences, Instant holdsUntil) implements Decision {
        /** Copies the lists; refuses a denial without a reason. */
        public Deny {
            reasons = List.copyOf(reasons);
            licences = List.copyOf(licences);
            if (reasons.isEmpty()) {
                throw new IllegalArgumentException("a denial needs a reason");
            }
        }

        /** The reason that comes first by precedence. */
        public Reason first() {
            return reasons.getFirst();
        }
    }
}
