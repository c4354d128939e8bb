package io.altiplano.gateway.usage;

import io.altiplano.gateway.price.Cost;
import io.altiplano.gateway.price.CostLine;
import io.altiplano.gateway.price.PriceList;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An entry that corrects another: its counts and amounts are differences, and may be negative.
 *
 * @param line under which it stands in the ledger, from 1
 * @param entry the job's, with the differences of its counts
 * @param lines the differences of its cost lines; those that are none are left out
 */
record Correction(int line, LedgerEntry entry, List<CostLine> lines) {
    Correction {
        lines = List.copyOf(lines);
    }

    /** The difference of the cost, US dollars. */
    BigDecimal cost() {
        return new Cost(lines).total();
    }

    /**
     * What turns counts that were billed into others, by the prices in force at the submit time.
     *
     * @param billed the job's entry with what is billed for by now, earlier corrections included
     * @param right its counts as they should be
     */
    static Correction of(int line, LedgerEntry billed, LedgerEntry right, PriceList prices) {
        var price = prices.price(billed.tenantId(), billed.model(), billed.submittedAt());
        Cost before = price.cost(billed.counts());
        Cost after = price.cost(right.counts());
        List<CostLine> lines = new ArrayList<>();
        for (CostLine.Item item : CostLine.Item.values()) {
            CostLine was = line(before, item);
            CostLine is = line(after, item);
            long tokens = is.tokens() - was.tokens();
            BigDecimal amount = is.amount().subtract(was.amount());
            if (tokens != 0 || amount.signum() != 0) {
                lines.add(new CostLine(item, tokens, is.price().max(was.price()), amount));
            }
        }
        return new Correction(
                line,
                billed.counting(
                        right.promptTokens() - billed.promptTokens(),
                        right.completionTokens() - billed.completionTokens(),
                        right.cachedTokens() - billed.cachedTokens()),
                lines);
    }

    private static CostLine line(Cost cost, CostLine.Item item) {
        return cost.lines().stream()
                .filter(l -> l.item() == item)
                .findFirst()
                .orElse(new CostLine(item, 0, BigDecimal.ZERO, BigDecimal.ZERO));
    }

    /** The item of a number in the ledger. */
    static CostLine.Item item(int number) {
        return Arrays.stream(CostLine.Item.values())
                .filter(i -> i.number() == number)
                .findFirst()
                .orElseThrow();
    }
}
