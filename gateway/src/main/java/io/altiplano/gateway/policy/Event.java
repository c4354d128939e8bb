package io.altiplano.gateway.policy;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One entry of a history that is only ever added to.
 *
 * @param actorName who, by name
 * @param action what, e.g. "OPENED"
 * @param text what was said, or null
 */
public record Event(
        Instant at,
        String actorName,
        String action,
        @Nullable String text) {
    /** An entry as the API shows it. */
    public record View(
            @JsonProperty("at") long at,
            String actor,
            String action,
            @Nullable String text) {
        static View of(Event e) {
            return new View(
                    e.at().getEpochSecond(), e.actorName(), e.action().toLowerCase(java.util.Locale.ROOT), e.text());
        }
    }
}
