package io.altiplano.gateway.policy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.licence.PlatformTerms;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * How many reports one sender may make: so many an hour, all at once if it likes. Counted in this replica's memory, for the last
 * 10,000 senders.
 */
@ApplicationScoped
public class ReportLimits {
    private static final int MOST_SENDERS = 10_000;
    private static final Duration PERIOD = Duration.ofHours(1);
    /** Bytes of an IPv6 address that one household or server commonly has all to itself behind. */
    private static final int NETWORK_BYTES = 8;

    private final int perHour;
    private final TimeMeter time;
    private final Cache<String, Bucket> buckets = Caffeine.newBuilder()
            .maximumSize(MOST_SENDERS)
            .expireAfterAccess(PERIOD)
            .build();

    @Inject
    ReportLimits(PolicySettings settings) {
        this(settings.reportsPerHour(), TimeMeter.SYSTEM_NANOTIME);
    }

    ReportLimits(int perHour, TimeMeter time) {
        this.perHour = perHour;
        this.time = time;
    }

    /**
     * Counts one report.
     *
     * @param sender who it is from
     * @throws ApiException 429 with the time after which it is worth another try
     */
    void take(String sender) {
        Bucket bucket = buckets.get(
                sender,
                s -> Bucket.builder()
                        .withCustomTimePrecision(time)
                        .addLimit(limit -> limit.capacity(perHour).refillGreedy(perHour, PERIOD))
                        .build());
        ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
        if (!probe.isConsumed()) {
            throw new ApiException(ApiError.tooManyRequests(
                    "policy_too_many_reports",
                    PlatformTerms.LABEL + "more than " + perHour + " reports an hour; send this one later.",
                    Duration.ofNanos(probe.getNanosToWaitForRefill())));
        }
    }

    /** The sender behind an address: of IPv6, the network of 64 bits; whatever is no address is one sender. */
    static String sender(@Nullable String address) {
        try {
            InetAddress parsed = InetAddress.ofLiteral(address == null ? "" : address);
            byte[] bytes = parsed.getAddress();
            return HexFormat.of()
                    .formatHex(parsed instanceof Inet6Address ? Arrays.copyOf(bytes, NETWORK_BYTES) : bytes);
        } catch (IllegalArgumentException e) {
            return "unknown";
        }
    }
}
