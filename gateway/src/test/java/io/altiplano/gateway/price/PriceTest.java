package io.altiplano.gateway.price;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PriceTest {
    private static final Instant JANUARY = Instant.parse("2026-01-01T00:00:00Z");
    private static final Instant MARCH = Instant.parse("2026-03-01T00:00:00Z");
    private static final Instant MAY = Instant.parse("2026-05-01T00:00:00Z");

    @Test
    void eachKindOfTokenIsALineOfItsOwn() {
        Price price = price(null, "m", JANUARY, null, "0.25");

        Cost cost = price.cost(new TokenCounts(1000, 400, 10, 0, false, false));

        assertThat(cost.lines())
                .extracting(line ->
                        line.item() + " " + line.tokens() + " " + line.amount().toPlainString())
                .containsExactly(
                        "PROMPT 600 0.000150000000",
                        "CACHED_PROMPT 400 0.000040000000",
                        "COMPLETION 10 0.000006000000");
        assertThat(cost.total().toPlainString()).isEqualTo("0.000196000000");
    }

    @Test
    void anAdapterCostsOnEveryTokenAndABatchIsLetOffItsShareOfAll() {
        Price price = price(null, "m", JANUARY, null, "0.25");

        Cost cost = price.cost(new TokenCounts(1000, 0, 1000, 500, true, true));

        assertThat(cost.lines())
                .extracting(line ->
                        line.item() + " " + line.amount().stripTrailingZeros().toPlainString())
                .containsExactly(
                        "PROMPT 0.00025",
                        "COMPLETION 0.0006",
                        "ADAPTER_PREMIUM 0.0002",
                        "TRAINING 0.002",
                        "BATCH_DISCOUNT -0.001525");
        assertThat(cost.total()).isEqualByComparingTo("0.001525");
    }

    @Test
    void amountsAreExactHoweverManyAreAdded() {
        Price price = price(null, "m", JANUARY, null, "0.123457");
        Random random = new Random(5);
        BigDecimal sum = Money.ZERO;
        long tokens = 0;
        for (int i = 0; i < 10_000; i++) {
            long some = random.nextLong(1L << 40);
            tokens += some;
            sum = sum.add(price.cost(TokenCounts.of(some, 0)).total());
        }

        assertThat(sum).isEqualTo(price.cost(TokenCounts.of(tokens, 0)).total());
        assertThat(sum.scale()).isEqualTo(Money.SCALE);
        // The control: what a double makes of it.
        assertThat(new BigDecimal(tokens * 0.123457 / 1e6)).isNotEqualByComparingTo(sum);
    }

    @Test
    void nothingUsedCostsNothing() {
        assertThat(price(null, "m", JANUARY, null, "1")
                        .cost(new TokenCounts(0, 0, 0, 0, true, true))
                        .lines())
                .isEmpty();
    }

    @Test
    void countsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> new TokenCounts(-1, 0, 0, 0, false, false)).hasMessageContaining("negative");
        assertThatThrownBy(() -> new TokenCounts(1, 2, 0, 0, false, false)).hasMessageContaining("more than 1");
    }

    @Test
    void aJobIsChargedByThePriceInForceWhenItWasSubmitted() {
        List<Price> all = new ArrayList<>(List.of(
                price(null, "*", JANUARY, null, "0.1"),
                price(null, "m", MARCH, null, "0.3"),
                price(null, "m", MAY, null, "0.5"),
                price("acme", "m", MARCH, MAY, "0.2")));
        java.util.Collections.shuffle(all, new Random(3));
        PriceList prices = new PriceList(all);

        assertThat(prompt(prices, "acme", JANUARY)).isEqualTo("0.100000");
        assertThat(prompt(prices, "acme", MARCH.minusMillis(1))).isEqualTo("0.100000");
        assertThat(prompt(prices, "acme", MARCH)).isEqualTo("0.200000");
        assertThat(prompt(prices, "acme", MAY.minusMillis(1))).isEqualTo("0.200000");
        assertThat(prompt(prices, "acme", MAY)).isEqualTo("0.500000");
        assertThat(prompt(prices, "edge", MARCH)).isEqualTo("0.300000");
        assertThatThrownBy(() -> prices.price("acme", "m", JANUARY.minusMillis(1)))
                .hasMessageContaining("no price of m was in force at 2025-12-31T23:59:59.999Z");
    }

    private static String prompt(PriceList prices, String tenant, Instant at) {
        return prices.price(tenant, "m", at).prompt().toPlainString();
    }

    private static Price price(
            @Nullable String tenant, String model, Instant from, @Nullable Instant until, String prompt) {
        return new Price(
                tenant,
                model,
                from,
                until,
                new BigDecimal(prompt),
                new BigDecimal("0.1"),
                new BigDecimal("0.6"),
                new BigDecimal("0.1"),
                new BigDecimal("4"),
                new BigDecimal("0.5"));
    }
}
