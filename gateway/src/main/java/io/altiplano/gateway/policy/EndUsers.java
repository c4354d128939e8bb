package io.altiplano.gateway.policy;

import io.altiplano.gateway.access.KeyHasher;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.datasketches.hll.HllSketch;
import org.apache.datasketches.hll.HllUnion;
import org.apache.datasketches.hll.TgtHllType;
import org.jboss.logging.Logger;

/**
 * Estimates how many distinct end users each tenant has in a calendar month (UTC), from what requests say in
 * {@code safety_identifier} or {@code user}.
 *
 * <p>Identifiers are not kept: what reaches the sketch is their HMAC under a key of the platform's, over tenant and month too, so
 * that sketches can neither be searched for a person nor compared across tenants or months. Here only what is new since the
 * last flush is held, a sketch (2 KiB at most) a tenant; the database holds the month's union, to which every replica adds. What is
 * lost on the way makes an estimate smaller and harms nobody: nothing that decides reads it.
 */
@ApplicationScoped
public class EndUsers {
    private static final Logger LOG = Logger.getLogger(EndUsers.class);
    /** 4096 buckets: a standard error of 1.6 %. */
    static final int LG_BUCKETS = 12;
    /** Beyond this many tenants between two flushes, further ones are not estimated: 20 MiB at most. */
    static final int MOST_SKETCHES = 10_000;

    private static final String HMAC = "HmacSHA256";

    private final Db db;
    private final Clock clock;
    private final SecretKeySpec key;
    private final ConcurrentMap<Place, HllSketch> unwritten = new ConcurrentHashMap<>();
    private final LongAdder dropped = new LongAdder();

    /** Whose users, and when. */
    record Place(String tenantId, YearMonth month) {}

    @Inject
    EndUsers(Db db, Clock clock, KeyHasher hasher) {
        this.db = db;
        this.clock = clock;
        this.key = new SecretKeySpec(hasher.derive("distinct end users"), HMAC);
    }

    /** A request of a tenant named its end user. One hash and one update of memory; never fails a request. */
    public void seen(String tenantId, String identifier) {
        Place place = new Place(tenantId, YearMonth.now(clock.withZone(ZoneOffset.UTC)));
        if (unwritten.size() >= MOST_SKETCHES && !unwritten.containsKey(place)) {
            dropped.increment();
            return;
        }
        byte[] hash = hash(place, identifier);
        // The map's lock on the entry is the sketch's: who has removed it has it alone.
        unwritten.compute(place, (p, sketch) -> {
            HllSketch into = sketch == null ? new HllSketch(LG_BUCKETS, TgtHllType.HLL_4) : sketch;
            into.update(hash);
            return into;
        });
    }

    /** Adds what is new to the database; with the database away it stays for the next time. */
    void flush() {
        for (Place place : List.copyOf(unwritten.keySet())) {
            HllSketch sketch = unwritten.remove(place);
            if (sketch == null) {
                continue;
            }
            try {
                var unused = db.tenant(place.tenantId(), tenant -> {
                    EndUserStore.add(tenant, place, sketch);
                    return true;
                });
            } catch (DatabaseUnavailableException e) {
                unwritten.merge(place, sketch, EndUsers::union);
                throw e;
            } catch (RuntimeException e) {
                LOG.errorf(e, "end users of %s in %s not added to their estimate", place.tenantId(), place.month());
            }
        }
        long lost = dropped.sumThenReset();
        if (lost > 0) {
            LOG.warnf("%d requests not counted in estimates of end users: more than %d tenants", lost, MOST_SKETCHES);
        }
    }

    /** Sketches held in memory. */
    int held() {
        return unwritten.size();
    }

    static HllSketch union(HllSketch one, HllSketch other) {
        HllUnion union = new HllUnion(LG_BUCKETS);
        union.update(one);
        union.update(other);
        return union.getResult(TgtHllType.HLL_4);
    }

    private byte[] hash(Place place, String identifier) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(key);
            // Neither a tenant's id nor a month holds a NUL.
            mac.update((place.tenantId() + '\0' + place.month() + '\0').getBytes(StandardCharsets.UTF_8));
            return mac.doFinal(identifier.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + HMAC, e);
        }
    }
}
