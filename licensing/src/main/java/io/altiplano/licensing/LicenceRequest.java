package io.altiplano.licensing;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The question: may this licensee use this model so, at this instant?
 *
 * <p>Whoever makes a model from several asks for {@link Use#DERIVE} with the lineage of the model to be made: then licences that
 * contradict each other are found before a step is trained.
 *
 * @param licensee who asks
 * @param lineage the model and all that it was made from
 * @param use what for
 * @param at when; facts later than this do not exist yet
 * @param improved for {@link Use#IMPROVE_OTHER_MODEL}, the model that is improved; null counts as one that does not derive from
 *     the lineage
 */
public record LicenceRequest(
        Licensee licensee,
        Lineage lineage,
        Use use,
        Instant at,
        @Nullable Lineage improved) {
    /** A request without a second model. */
    public LicenceRequest(Licensee licensee, Lineage lineage, Use use, Instant at) {
        this(licensee, lineage, use, at, null);
    }
}
