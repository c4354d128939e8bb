package io.altiplano.licensing;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What the rules find in one request; not thread-safe. */
final class Findings {
    private final List<Reason> reasons = new ArrayList<>();
    private final Set<String> grants = new TreeSet<>();

    void deny(@Nullable String licence, @Nullable String clause, ReasonCode code, String message, String remedy) {
        reasons.add(new Reason(licence, clause, code, message, remedy));
    }

    void relyOn(LicenceGrant grant) {
        grants.add(grant.id());
    }

    List<Reason> reasons() {
        return reasons;
    }

    List<String> grants() {
        return List.copyOf(grants);
    }
}
