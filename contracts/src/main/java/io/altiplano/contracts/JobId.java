package io.altiplano.contracts;

import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * A job's id: a UUID of version 7 (RFC 9562, 5.7). Its first 48 bits are the submit time, which the ledger partitions by,
 * so an entry's partition never depends on when it is ingested.
 *
 * @param value the UUID
 */
public record JobId(UUID value) {
    public JobId {
        if (value.version() != 7 || value.variant() != 2) {
            throw new IllegalArgumentException("job id " + value + " is not a UUID of version 7");
        }
    }

    /** A new id at a time in milliseconds of the Unix epoch, with 74 random bits. */
    public static JobId create(long unixMillis, RandomGenerator random) {
        long high = (unixMillis << 16) | 0x7000L | (random.nextLong() & 0x0fffL);
        long low = (random.nextLong() & 0x3fffffffffffffffL) | 0x8000000000000000L;
        return new JobId(new UUID(high, low));
    }

    /**
     * Reads the 36-character form.
     *
     * @throws IllegalArgumentException if it is not one, or not of version 7
     */
    public static JobId parse(String text) {
        return new JobId(UUID.fromString(text));
    }

    /** The submit time, milliseconds of the Unix epoch. */
    public long submittedAtMillis() {
        return value.getMostSignificantBits() >>> 16;
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
