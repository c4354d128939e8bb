package io.altiplano.gateway.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * From an API key to the caller it speaks for. What the database said is believed for {@link #BELIEVED}, counted from before
 * it was asked: a revoked or expired key, or a changed tier, is known everywhere within a second, whatever the query took. A key that
 * is not there is remembered too.
 */
@ApplicationScoped
public class Callers {
    /** How long an answer of the database counts. */
    static final Duration BELIEVED = Duration.ofMillis(750);

    private static final int MOST_REMEMBERED = 20_000;

    private final Db db;
    private final KeyHasher hasher;
    private final String env;
    private final LongSupplier nanoTime;
    private final Cache<String, Known> cache = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(Duration.ofMinutes(1))
            .build();

    /** What a key is worth. */
    sealed interface Answer {
        /** It speaks for a caller, for what its scopes allow. */
        record Speaks(Caller caller, Set<KeyScope> scopes) implements Answer {}

        /** It was good and has expired. */
        record Expired() implements Answer {}

        /** It is malformed, another platform's, unknown, revoked, or its project is archived. */
        record Unknown() implements Answer {}
    }

    /** What the database said, and the monotonic time before it was asked. */
    private record Known(Answer answer, long askedAt) {}

    @Inject
    Callers(Db db, KeyHasher hasher, KeySettings settings) {
        this(db, hasher, settings.env(), System::nanoTime);
    }

    Callers(Db db, KeyHasher hasher, String env, LongSupplier nanoTime) {
        this.db = db;
        this.hasher = hasher;
        this.env = env;
        this.nanoTime = nanoTime;
    }

    /** What a key is worth. A malformed one costs no query. */
    Answer of(String text) {
        Optional<KeyText> key = KeyText.parse(text, env);
        if (key.isEmpty()) {
            return new Answer.Unknown();
        }
        byte[] hash = hasher.hash(key.get());
        // By the hash: key texts do not stay in memory.
        String name = HexFormat.of().formatHex(hash);
        Known known = cache.getIfPresent(name);
        if (known == null || !fresh(known)) {
            known = cache.asMap().compute(name, (n, old) -> old != null && fresh(old) ? old : ask(key.get(), hash));
        }
        return known.answer();
    }

    /**
     * Which of these keys, by their ids, were revoked or belong to a project that is archived.
     *
     * @throws DatabaseUnavailableException if that cannot be known now
     */
    public Set<String> ended(Set<String> ids) {
        return db.auth(handle -> ApiKeyStore.ended(handle, ids));
    }

    private Known ask(KeyText key, byte[] hash) {
        long askedAt = nanoTime.getAsLong();
        Answer answer = db.auth(handle -> ApiKeyStore.lookUp(handle, key.prefix()))
                .filter(found -> KeyHasher.same(found.hash(), hash))
                .<Answer>map(found ->
                        found.expired() ? new Answer.Expired() : new Answer.Speaks(found.caller(), found.scopes()))
                .orElseGet(Answer.Unknown::new);
        return new Known(answer, askedAt);
    }

    private boolean fresh(Known known) {
        return nanoTime.getAsLong() - known.askedAt() <= BELIEVED.toNanos();
    }
}
