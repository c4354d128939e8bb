package io.altiplano.gateway.licence;

import io.altiplano.gateway.tenant.Tier;
import io.altiplano.licensing.Use;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the platform itself allows a tenant, apart from any licence: its tier, what the tier's plan of that moment gives, and
 * the attestations that it wants repeated.
 *
 * @param tier the tenant's tier
 * @param uses what the plan gives, sorted
 * @param models catalog ids that the plan gives, sorted; null for every model
 * @param until when the tier's next plan begins; null if none is foreseen
 * @param reattestations when attestations are to be repeated, one a licence version, sorted; none in records from before there were any
 */
public record PlatformTerms(
        Tier tier,
        List<Use> uses,
        @Nullable List<String> models,
        @Nullable Instant until,
        List<Reattestation> reattestations) {
    /** What begins every message about the platform's own rules. */
    public static final String LABEL = "Platform policy (not the licence): ";

    /** Copies the lists. */
    public PlatformTerms {
        uses = List.copyOf(uses);
        models = models == null ? null : List.copyOf(models);
        @Nullable List<Reattestation> given = reattestations;
        reattestations = given == null ? List.of() : List.copyOf(given);
    }

    /**
     * Why the platform refuses, whatever the licence says.
     *
     * @param code what a program branches on, begins with "policy_"
     * @param message labelled as the platform's, with the next step
     */
    public record Refusal(String code, String message) {}

    /** Whether the tenant may do anything at all. */
    boolean suspended() {
        return tier == Tier.SUSPENDED;
    }

    /**
     * The refusal, if there is one.
     *
     * @param licences that the model and all it was made from stand under
     */
    Optional<Refusal> refusal(String model, Use use, Set<String> licences, Instant at) {
        if (suspended()) {
            return Optional.of(new Refusal(
                    "policy_suspended",
                    LABEL + "this tenant is suspended; ask the platform's operator how to be reinstated."));
        }
        if (!uses.contains(use)) {
            return Optional.of(new Refusal(
                    "policy_tier",
                    LABEL + "the tier " + tier.text() + " does not include the use "
                            + use.name().toLowerCase(Locale.ROOT).replace('_', '-') + "; ask for a tier that does."));
        }
        if (models != null && !models.contains(model)) {
            return Optional.of(new Refusal(
                    "policy_model",
                    LABEL + "the tier " + tier.text() + " does not include the model " + model + "; it has "
                            + (models.isEmpty() ? "none" : String.join(", ", models)) + "."));
        }
        return reattestations.stream()
                .filter(r -> licences.contains(r.licence()) && r.refuses(at))
                .findFirst()
                .map(Reattestation::refusal);
    }

    /** The instant after {@code at} at which the passing of time alone may change the terms. */
    Instant holdsUntil(Instant at) {
        return reattestations.stream()
                .filter(r -> !r.refuses(at))
                .map(Reattestation::refusedFrom)
                .filter(Objects::nonNull)
                .reduce(until == null ? Instant.MAX : until, (a, b) -> a.isBefore(b) ? a : b);
    }
}
