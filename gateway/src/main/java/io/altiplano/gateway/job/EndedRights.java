package io.altiplano.gateway.job;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Rights of tenants to models that have ended, each with the licence epoch below which nothing is permitted by it any more. */
final class EndedRights {
    /** Of the error, and of the event in a stream. */
    static final String CODE = "right_withdrawn";

    private final Map<Right, Ended> ended = new ConcurrentHashMap<>();

    record Right(String tenantId, String model) {}

    /** The end of a right: what was permitted below the epoch ends. */
    private record Ended(long epoch, String message) {
        boolean ends(long licenceEpoch) {
            return licenceEpoch < epoch;
        }
    }

    /** Notes the end of a right; false if that one, or a later one, was known. */
    boolean end(Right right, long epoch, String message) {
        Ended now = new Ended(epoch, message);
        return ended.merge(right, now, (old, other) -> old.epoch() >= other.epoch() ? old : other) == now;
    }

    /** Whether what a right permitted at a licence epoch has ended. */
    boolean ends(Right right, long licenceEpoch) {
        Ended end = ended.get(right);
        return end != null && end.ends(licenceEpoch);
    }

    /** @throws ApiException 403 if what a right permitted at a licence epoch has ended */
    void check(Right right, long licenceEpoch) {
        Ended end = ended.get(right);
        if (end != null && end.ends(licenceEpoch)) {
            throw new ApiException(ApiError.forbidden(CODE, end.message()));
        }
    }
}
