package io.altiplano.gateway.price;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model's prices from an instant on, US dollars a million tokens.
 *
 * @param tenantId whose; null: the list price
 * @param model catalog id, or {@link #ANY_MODEL}
 * @param effectiveFrom since when
 * @param effectiveUntil when a tenant's own price ends; null: never
 * @param prompt of a token read
 * @param cachedPrompt of a token from the prefix cache; not above {@code prompt}
 * @param completion of a token written
 * @param adapterPremium on top of each, through an adapter
 * @param training of a token trained on
 * @param batchDiscount share of a batch job's price that is let off, 0 to 1
 */
public record Price(
        @Nullable String tenantId,
        String model,
        Instant effectiveFrom,
        @Nullable Instant effectiveUntil,
        BigDecimal prompt,
        BigDecimal cachedPrompt,
        BigDecimal completion,
        BigDecimal adapterPremium,
        BigDecimal training,
        BigDecimal batchDiscount) {

    /** Of the list price for models that have none of their own. */
    public static final String ANY_MODEL = "*";

    public Price {
        prompt = prompt.setScale(Money.PRICE_SCALE);
        cachedPrompt = cachedPrompt.setScale(Money.PRICE_SCALE);
        completion = completion.setScale(Money.PRICE_SCALE);
        adapterPremium = adapterPremium.setScale(Money.PRICE_SCALE);
        training = training.setScale(Money.PRICE_SCALE);
        if (cachedPrompt.compareTo(prompt) > 0) {
            throw new IllegalArgumentException("cached_prompt is dearer than prompt");
        }
    }

    /** What counts come to. Lines without tokens, and without a price where it is a premium or discount, are left out. */
    public Cost cost(TokenCounts counts) {
        List<CostLine> lines = new ArrayList<>(4);
        add(lines, CostLine.Item.PROMPT, counts.prompt() - counts.cached(), prompt);
        add(lines, CostLine.Item.CACHED_PROMPT, counts.cached(), cachedPrompt);
        add(lines, CostLine.Item.COMPLETION, counts.completion(), completion);
        if (counts.adapter() && adapterPremium.signum() > 0) {
            add(
                    lines,
                    CostLine.Item.ADAPTER_PREMIUM,
                    Math.addExact(counts.prompt(), counts.completion()),
                    adapterPremium);
        }
        add(lines, CostLine.Item.TRAINING, counts.training(), training);
        if (counts.batch() && batchDiscount.signum() > 0 && !lines.isEmpty()) {
            BigDecimal full = new Cost(lines).total();
            lines.add(new CostLine(
                    CostLine.Item.BATCH_DISCOUNT,
                    0,
                    batchDiscount.setScale(Money.PRICE_SCALE),
                    Money.share(full, batchDiscount).negate()));
        }
        return lines.isEmpty() ? Cost.NONE : new Cost(lines);
    }

    private static void add(List<CostLine> lines, CostLine.Item item, long tokens, BigDecimal perMillion) {
        if (tokens > 0) {
            lines.add(new CostLine(item, tokens, perMillion, Money.of(tokens, perMillion)));
        }
    }
}
