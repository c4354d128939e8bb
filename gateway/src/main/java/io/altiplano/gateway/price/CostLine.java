package io.altiplano.gateway.price;

import java.math.BigDecimal;

/**
 * One line of a job's cost.
 *
 * @param item what for
 * @param tokens how many; 0 for a discount
 * @param price US dollars a million tokens, in {@link Money#PRICE_SCALE}; of a discount: its share
 * @param amount US dollars in {@link Money#SCALE}; a discount's is negative
 */
public record CostLine(Item item, long tokens, BigDecimal price, BigDecimal amount) {
    /** What can be charged for; the numbers stand in the ledger and never change their meaning. */
    public enum Item {
        /** Tokens of the prompt that were computed. */
        PROMPT(1),
        /** Tokens of the prompt from the prefix cache. */
        CACHED_PROMPT(2),
        /** Tokens written. */
        COMPLETION(3),
        /** Every token read or written through an adapter, on top. */
        ADAPTER_PREMIUM(4),
        /** Tokens trained on. */
        TRAINING(5),
        /** What is let off because the job may wait. */
        BATCH_DISCOUNT(6);

        private final int number;

        Item(int number) {
            this.number = number;
        }

        /** Its number in the ledger. */
        public int number() {
            return number;
        }
    }
}
