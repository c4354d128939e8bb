package io.altiplano.gateway.usage;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;

/**
 * Rows in the binary format of PostgreSQL's COPY (its manual, COPY, "Binary Format"): big-endian, each field behind its length in
 * bytes. Against text it spares the server reading numbers and instants out of digits, and us writing them.
 */
final class CopyRows {
    /** PostgreSQL counts microseconds from here. */
    private static final long EPOCH_SECONDS =
            Instant.parse("2000-01-01T00:00:00Z").getEpochSecond();

    private static final byte[] SIGNATURE = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0};
    private static final int LONGEST_FIXED_FIELD = 32;

    /** Decimal digits in one digit of a numeric, which is of base 10,000. */
    private static final int GROUP = 4;

    private static final long BASE = 10_000;
    private static final BigInteger BIG_BASE = BigInteger.valueOf(BASE);
    private static final short NEGATIVE = 0x4000;

    private ByteBuffer out;
    private boolean empty = true;

    /** @param expectedBytes how many there may be; more are taken too */
    CopyRows(int expectedBytes) {
        out = ByteBuffer.allocate(Math.max(expectedBytes, 256));
        out.put(SIGNATURE).putInt(0).putInt(0);
    }

    /** Begins a row of so many fields, which follow one by one. */
    CopyRows row(int fields) {
        empty = false;
        room(2).putShort((short) fields);
        return this;
    }

    CopyRows int2(int value) {
        room(LONGEST_FIXED_FIELD).putInt(2).putShort((short) value);
        return this;
    }

    CopyRows int4(int value) {
        room(LONGEST_FIXED_FIELD).putInt(4).putInt(value);
        return this;
    }

    CopyRows int8(long value) {
        room(LONGEST_FIXED_FIELD).putInt(8).putLong(value);
        return this;
    }

    CopyRows uuid(UUID value) {
        room(LONGEST_FIXED_FIELD)
                .putInt(16)
                .putLong(value.getMostSignificantBits())
                .putLong(value.getLeastSignificantBits());
        return this;
    }

    CopyRows text(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        room(4 + bytes.length).putInt(bytes.length).put(bytes);
        return this;
    }

    /** As a timestamptz, in microseconds. One that PostgreSQL has no number for becomes one that it refuses as out of range. */
    CopyRows instant(Instant value) {
        long seconds = Math.clamp(
                value.getEpochSecond() - EPOCH_SECONDS, Long.MIN_VALUE / 1_000_000 + 1, Long.MAX_VALUE / 1_000_000 - 1);
        return int8(seconds * 1_000_000 + value.getNano() / 1_000);
    }

    /** As a numeric: digits of base 10,000, the first of which is worth 10,000 to the power of {@code weight}. */
    CopyRows numeric(BigDecimal value) {
        int scale = Math.max(0, value.scale());
        int fraction = (scale + GROUP - 1) / GROUP;
        BigInteger unscaled = value.setScale(fraction * GROUP).unscaledValue().abs();
        short[] digits = digits(unscaled);
        room(4 + 8 + 2 * digits.length)
                .putInt(8 + 2 * digits.length)
                .putShort((short) digits.length)
                .putShort((short) (digits.length - fraction - 1))
                .putShort(value.signum() < 0 ? NEGATIVE : 0)
                .putShort((short) scale);
        for (int i = digits.length - 1; i >= 0; i--) {
            out.putShort(digits[i]);
        }
        return this;
    }

    /** The digits of base 10,000, the least first; none of 0. */
    private static short[] digits(BigInteger unscaled) {
        short[] digits = new short[unscaled.bitLength() / 13 + 1];
        int count = 0;
        BigInteger high = unscaled;
        while (high.bitLength() > 63) {
            BigInteger[] split = high.divideAndRemainder(BIG_BASE);
            digits[count++] = split[1].shortValue();
            high = split[0];
        }
        for (long left = high.longValue(); left > 0; left /= BASE) {
            digits[count++] = (short) (left % BASE);
        }
        return Arrays.copyOf(digits, count);
    }

    private ByteBuffer room(int bytes) {
        if (out.remaining() < bytes) {
            out = ByteBuffer.allocate(Math.max(out.capacity() * 2, out.position() + bytes))
                    .put(out.flip());
        }
        return out;
    }

    boolean isEmpty() {
        return empty;
    }

    /** All of it with its end, ready to send; nothing may be added afterwards. */
    ByteBuffer ended() {
        return room(2).putShort((short) -1).flip();
    }
}
