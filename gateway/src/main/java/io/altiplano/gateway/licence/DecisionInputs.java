package io.altiplano.gateway.licence;

import io.altiplano.licensing.LicenceRequest;
import io.altiplano.licensing.Licensee;
import io.altiplano.licensing.Lineage;
import io.altiplano.licensing.Use;
import java.time.Instant;

/**
 * What a decision was computed from, as it is recorded: enough to decide it again.
 *
 * @param licensee the tenant's facts
 * @param model the model's catalog id
 * @param licence the licence it stands under
 * @param use what for
 * @param platform what the platform itself allows
 * @param at the instant asked about, by the database's clock
 */
public record DecisionInputs(
        Licensee licensee, String model, String licence, Use use, PlatformTerms platform, Instant at) {
    /** The question to the engine. */
    public LicenceRequest toRequest() {
        return new LicenceRequest(licensee, Lineage.base(model, licence), use, at);
    }
}
