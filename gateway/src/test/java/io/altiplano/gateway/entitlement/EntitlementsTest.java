package io.altiplano.gateway.entitlement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.licensing.Use;
import io.github.bucket4j.TimeMeter;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EntitlementsTest {
    private static final Caller ACME = caller("acme");

    private long nanos = 1;
    private final Entitlements entitlements = new Entitlements(EntitlementsTest::plan, new TimeMeter() {
        @Override
        public long currentTimeNanos() {
            return nanos;
        }

        @Override
        public boolean isWallClockBased() {
            return false;
        }
    });

    /** Six requests a minute, five at a time. */
    private static Plan plan(Tier tier) {
        return new Plan(tier, Instant.EPOCH, Set.of(Use.INFER), null, 6, 1000, 5, 1000, 100, 10, 1, false, false);
    }

    private static Caller caller(String tenant) {
        return new Caller(tenant, "default", "key_1", Tier.COMMUNITY, Role.DEVELOPER, "00");
    }

    @Test
    void theMinutesRequestsRunOutAndComeBackOneByOne() {
        for (int i = 0; i < 6; i++) {
            entitlements.admit(ACME).close();
        }

        assertThatThrownBy(() -> entitlements.admit(ACME)).isInstanceOfSatisfying(ApiException.class, e -> {
            assertThat(e.error().status()).isEqualTo(429);
            assertThat(e.error().headers())
                    .containsEntry("retry-after", "10")
                    .containsEntry("x-ratelimit-limit-requests", "6")
                    .containsEntry("x-ratelimit-remaining-requests", "0")
                    .containsEntry("x-ratelimit-reset-requests", "1m0s");
        });
        nanos += TimeUnit.SECONDS.toNanos(10);
        entitlements.admit(ACME).close();
    }

    @Test
    void oneTenantsLimitIsNotAnothers() {
        for (int i = 0; i < 6; i++) {
            entitlements.admit(ACME).close();
        }

        assertThat(entitlements.admit(caller("other")).headers()).containsEntry("x-ratelimit-remaining-requests", "5");
    }

    @Test
    void aPlaceIsGivenBackOnceHoweverOftenItIsClosed() {
        Admission first = entitlements.admit(ACME);
        for (int i = 0; i < 4; i++) {
            entitlements.admit(ACME);
        }

        assertThatThrownBy(() -> entitlements.admit(ACME)).isInstanceOf(ApiException.class);
        nanos += TimeUnit.MINUTES.toNanos(1);
        first.close();
        first.close();

        assertThat(entitlements.underWay()).isEqualTo(4);
        entitlements.admit(ACME);
        assertThatThrownBy(() -> entitlements.admit(ACME)).isInstanceOf(ApiException.class);
    }

    @Test
    void twoHundredAtOnceNeverGetMoreThanThePlaces() throws InterruptedException {
        AtomicInteger admitted = new AtomicInteger();
        CountDownLatch go = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 200; i++) {
                threads.execute(() -> {
                    try {
                        go.await();
                        entitlements.admit(ACME);
                        admitted.incrementAndGet();
                    } catch (ApiException e) {
                        // Refused, as most are.
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
            }
            go.countDown();
        }

        assertThat(admitted.get()).isEqualTo(5);
    }

    @Test
    void durationsAreWrittenAsOpenAiWritesThem() {
        assertThat(Entitlements.duration(TimeUnit.MILLISECONDS.toNanos(20))).isEqualTo("20ms");
        assertThat(Entitlements.duration(TimeUnit.SECONDS.toNanos(1))).isEqualTo("1s");
        assertThat(Entitlements.duration(TimeUnit.SECONDS.toNanos(360))).isEqualTo("6m0s");
        assertThat(Entitlements.duration(0)).isEqualTo("0ms");
    }
}
