package io.altiplano.gateway.licence;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.util.Arrays;
import java.util.Locale;
import org.jboss.logging.Logger;
import org.junit.jupiter.api.Test;

/** What a decision costs a request that finds it in memory; docs/performance.md has the figures. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class CachedDecisionTest {
    private static final Logger LOG = Logger.getLogger(CachedDecisionTest.class);
    private static final int WARM = 200_000;
    private static final int MEASURED = 1_000_000;
    /** The bound, some fifty times what is measured: a test on a busy machine can hold it. */
    private static final long MOST_NANOS = 20_000;

    @Inject
    LicenceGate gate;

    private long sink;
    private long permits;

    private record Times(long p50, long p99) {}

    private Times measure(Runnable work) {
        for (int i = 0; i < WARM; i++) {
            work.run();
        }
        int[] nanos = new int[MEASURED];
        for (int i = 0; i < MEASURED; i++) {
            long begin = System.nanoTime();
            work.run();
            nanos[i] = (int) Math.min(Integer.MAX_VALUE, System.nanoTime() - begin);
        }
        Arrays.sort(nanos);
        return new Times(nanos[MEASURED / 2], nanos[MEASURED / 100 * 99]);
    }

    @Test
    void aRememberedDecisionTakesFarLessThan20MicrosecondsAtThe99thPercentile() {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("partner");
        Caller caller = new Caller(tenant.id(), "default", "key_test", Tier.PARTNER, Role.DEVELOPER, "00".repeat(32));
        Cache<Question, String> cache =
                Caffeine.newBuilder().maximumSize(100_000).build();
        cache.put(new Question(tenant.id(), Served.MODEL, "llama-3.1", Use.INFER), "x");

        Times floor = measure(() -> sink++);
        Times get = measure(() -> {
            String hit = cache.getIfPresent(new Question(tenant.id(), Served.MODEL, "llama-3.1", Use.INFER));
            sink += hit == null ? 0 : hit.length();
        });
        Times check = measure(() -> {
            LicenceVerdict verdict = gate.check(caller, Served.MODEL, "llama-3.1", Use.INFER);
            permits += verdict instanceof LicenceVerdict.Permitted ? 1 : 0;
        });

        LOG.infof(
                "cached decision: p50 %d ns, p99 %d ns; floor (two clock reads): p50 %d ns, p99 %d ns; a Caffeine hit: p50"
                        + " %d ns, p99 %d ns; decision / hit at p50: %s",
                check.p50(),
                check.p99(),
                floor.p50(),
                floor.p99(),
                get.p50(),
                get.p99(),
                String.format(Locale.ROOT, "%.1f", (double) check.p50() / Math.max(1, get.p50())));
        assertThat(check.p99()).isLessThan(MOST_NANOS);
        // Every one of them was a permit: nothing else was measured.
        assertThat(permits).isEqualTo((long) WARM + MEASURED);
    }
}
