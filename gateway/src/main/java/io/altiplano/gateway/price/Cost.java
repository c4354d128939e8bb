package io.altiplano.gateway.price;

import java.math.BigDecimal;
import java.util.List;

/** What a job costs, by lines in the order of {@link CostLine.Item}; empty where nothing is charged. */
public record Cost(List<CostLine> lines) {
    /** Nothing is charged. */
    public static final Cost NONE = new Cost(List.of());

    public Cost {
        lines = List.copyOf(lines);
    }

    /** The lines' sum, US dollars in {@link Money#SCALE}. */
    public BigDecimal total() {
        return lines.stream().map(CostLine::amount).reduce(Money.ZERO, BigDecimal::add);
    }
}
