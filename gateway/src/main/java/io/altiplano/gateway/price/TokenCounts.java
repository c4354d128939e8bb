package io.altiplano.gateway.price;

/**
 * What is charged for.
 *
 * @param prompt tokens read, those from the prefix cache among them
 * @param cached of these, those from the prefix cache
 * @param completion tokens written
 * @param training tokens trained on
 * @param adapter whether they went through an adapter
 * @param batch whether the job was of a batch
 */
public record TokenCounts(long prompt, long cached, long completion, long training, boolean adapter, boolean batch) {
    public TokenCounts {
        if (prompt < 0 || cached < 0 || completion < 0 || training < 0) {
            throw new IllegalArgumentException("a count of tokens is negative");
        }
        if (cached > prompt) {
            throw new IllegalArgumentException(cached + " cached tokens are more than " + prompt + " of the prompt");
        }
    }

    /** A request's counts without adapter, batch and cache: what it may cost at most, by {@code completion} at most. */
    public static TokenCounts of(long prompt, long completion) {
        return new TokenCounts(prompt, 0, completion, 0, false, false);
    }
}
