package io.altiplano.gateway.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * From an API key to the caller it speaks for. What the database said is believed for {@link #BELIEVED}, counted from before
 * it was asked: a revoked key, or a changed tier, is known everywhere within a second, whatever the query took. A key that
 * is not there is remembered too.
 */
@ApplicationScoped
public class Callers {
    /** How long an answer of the database counts. */
    static final Duration BELIEVED = Duration.ofMillis(750);

    private static final int MOST_REMEMBERED = 20_000;

    private final Db db;
    private final KeyHasher hasher;
    private final LongSupplier nanoTime;
    private final Cache<String, Known> cache = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(Duration.ofMinutes(1))
            .build();

    /** What the database said, and the monotonic time before it was asked. */
    private record Known(Optional<Caller> caller, long askedAt) {}

    @Inject
    Callers(Db db, KeyHasher hasher) {
        this(db, hasher, System::nanoTime);
    }

    Callers(Db db, KeyHasher hasher, LongSupplier nanoTime) {
        this.db = db;
        this.hasher = hasher;
        this.nanoTime = nanoTime;
    }

    /** The caller, or empty if the key is malformed, unknown or revoked. A malformed one costs no query. */
    Optional<Caller> of(String text) {
        Optional<KeyText> key = KeyText.parse(text);
        if (key.isEmpty()) {
            return Optional.empty();
        }
        byte[] hash = hasher.hash(key.get());
        // By the hash: key texts do not stay in memory.
        String name = HexFormat.of().formatHex(hash);
        Known known = cache.getIfPresent(name);
        if (known == null || !fresh(known)) {
            known = cache.asMap().compute(name, (n, old) -> old != null && fresh(old) ? old : ask(key.get(), hash));
        }
        return known.caller();
    }

    private Known ask(KeyText key, byte[] hash) {
        long askedAt = nanoTime.getAsLong();
        Optional<Caller> caller = db.auth(handle -> ApiKeyStore.lookUp(handle, key.prefix()))
                .filter(found -> KeyHasher.same(found.hash(), hash))
                .map(ApiKeyStore.Found::caller);
        return new Known(caller, askedAt);
    }

    private boolean fresh(Known known) {
        return nanoTime.getAsLong() - known.askedAt() <= BELIEVED.toNanos();
    }
}
