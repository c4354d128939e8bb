package io.altiplano.gateway.job;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.time.Duration;

/** API keys that were found to be revoked a moment ago: what was let in with one before, and is on its way since, is not sent. */
final class EndedKeys {
    /** Of the error, and of the event in a stream. */
    static final String CODE = "api_key_revoked";

    static final String MESSAGE =
            "The API key with which this answer was asked for was revoked before the answer was complete; ask with another"
                    + " key, which an owner of your organization can create.";

    /** Longer than the way from a key's check to its job's opening; who asks later is asked for the key anew. */
    private static final Duration REMEMBERED = Duration.ofSeconds(10);

    private static final int MOST_REMEMBERED = 20_000;

    private final Cache<String, Boolean> ended = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(REMEMBERED)
            .build();

    /** Notes a key's end. */
    void end(String id) {
        ended.put(id, true);
    }

    /** @throws ApiException 401 if the key has ended */
    void check(String id) {
        if (ended.getIfPresent(id) != null) {
            throw new ApiException(ApiError.unauthorized(CODE, MESSAGE));
        }
    }
}
