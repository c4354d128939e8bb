package io.altiplano.gateway.price;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * How money is counted. Prices are US dollars a million tokens with 6 decimal places, so an amount is exact with 12; only a
 * discount is rounded, half to even, to those 12. What is rounded to cents is an invoice's sum, never a line.
 */
public final class Money {
    /** ISO 4217. */
    public static final String CURRENCY = "USD";

    /** Decimal places of a price. */
    public static final int PRICE_SCALE = 6;

    /** Decimal places of an amount. */
    public static final int SCALE = 12;

    /** How an amount is rounded where it must be. */
    public static final RoundingMode ROUNDING = RoundingMode.HALF_EVEN;

    /** Nothing, in an amount's scale. */
    public static final BigDecimal ZERO = BigDecimal.ZERO.setScale(SCALE);

    private static final int MILLION = 6;

    private Money() {}

    /** What tokens come to by a price a million of them; exact. */
    static BigDecimal of(long tokens, BigDecimal perMillion) {
        return perMillion
                .multiply(BigDecimal.valueOf(tokens))
                .movePointLeft(MILLION)
                .setScale(SCALE);
    }

    /** A share of an amount. */
    static BigDecimal share(BigDecimal amount, BigDecimal share) {
        return amount.multiply(share).setScale(SCALE, ROUNDING);
    }
}
