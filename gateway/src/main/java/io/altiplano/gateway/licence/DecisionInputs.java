package io.altiplano.gateway.licence;

import io.altiplano.licensing.LicenceRequest;
import io.altiplano.licensing.Licensee;
import io.altiplano.licensing.Lineage;
import io.altiplano.licensing.Model;
import io.altiplano.licensing.Use;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a decision was computed from, as it is recorded: enough to decide it again.
 *
 * @param licensee the tenant's facts
 * @param model the model's catalog id
 * @param licence the licence it stands under
 * @param lineage the model and all that it was made from, by id; in records from before it was kept, the model alone
 * @param use what for
 * @param platform what the platform itself allows
 * @param at the instant asked about, by the database's clock
 */
public record DecisionInputs(
        Licensee licensee,
        String model,
        String licence,
        List<Model> lineage,
        Use use,
        PlatformTerms platform,
        Instant at) {
    /** Copies the list; a model that nothing is said about is a base model. */
    public DecisionInputs {
        @Nullable List<Model> given = lineage;
        lineage = given == null || given.isEmpty() ? List.of(Model.base(model, licence)) : List.copyOf(given);
    }

    /** The platform's own refusal, if there is one. */
    PlatformTerms.@Nullable Refusal refusal() {
        return platform.refusal(model, use, licences(), at).orElse(null);
    }

    /** All licences of the lineage. */
    private Set<String> licences() {
        return Stream.concat(Stream.of(licence), lineage.stream().flatMap(m -> m.licences().stream()))
                .collect(Collectors.toSet());
    }

    /** The question to the engine. */
    public LicenceRequest toRequest() {
        return new LicenceRequest(licensee, new Lineage(model, lineage), use, at);
    }
}
