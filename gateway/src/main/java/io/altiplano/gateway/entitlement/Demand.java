package io.altiplano.gateway.entitlement;

import java.math.BigDecimal;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a request may come to, for which it takes a reservation.
 *
 * @param jobs ids of its jobs, one an answer; never empty
 * @param prompt tokens of the prompt, which all answers share
 * @param answer tokens of the longest answer, of each
 * @param shrink whether a shorter longest answer will do: the request named none
 * @param atLeast tokens, the least that a shorter one must have; at least 1
 * @param promptPrice of one token read, in the platform's currency
 * @param answerPrice of one token written
 * @param gateway the process whose client waits for the answer: once it is gone, what was reserved is held for seconds only; null
 *     if any gateway may send the jobs
 */
public record Demand(
        List<UUID> jobs,
        long prompt,
        long answer,
        boolean shrink,
        long atLeast,
        BigDecimal promptPrice,
        BigDecimal answerPrice,
        @Nullable UUID gateway) {
    public Demand {
        jobs = List.copyOf(jobs);
        if (jobs.isEmpty()
                || prompt < 0
                || answer < 1
                || atLeast < 1
                || promptPrice.signum() < 0
                || answerPrice.signum() < 0) {
            throw new IllegalArgumentException(jobs.size() + " jobs, prompt " + prompt + ", answer " + answer
                    + ", at least " + atLeast + ", prices " + promptPrice + " and " + answerPrice
                    + ": there must be a job and an answer, and nothing negative");
        }
    }

    /** Of jobs that any gateway may send. */
    public Demand(
            List<UUID> jobs,
            long prompt,
            long answer,
            boolean shrink,
            long atLeast,
            BigDecimal promptPrice,
            BigDecimal answerPrice) {
        this(jobs, prompt, answer, shrink, atLeast, promptPrice, answerPrice, null);
    }

    /** The same for a client of a gateway process. */
    public Demand of(UUID process) {
        return new Demand(jobs, prompt, answer, shrink, atLeast, promptPrice, answerPrice, process);
    }

    /** How many answers. */
    int answers() {
        return jobs.size();
    }

    /** The least tokens that it can do with. */
    long leastTokens() {
        return prompt + answers() * (shrink ? atLeast : answer);
    }

    /** What it takes of a limit a minute: of one that is less than all it may come to, the whole, if shorter answers will do. */
    long tokensWithin(long limit) {
        long most = prompt + answers() * answer;
        if (!shrink || most <= limit) {
            return most;
        }
        return Math.max(leastTokens(), prompt + answers() * ((limit - prompt) / answers()));
    }

    /** The price of the least tokens that it can do with. */
    BigDecimal leastPrice() {
        return BigDecimal.valueOf(prompt)
                .multiply(promptPrice)
                .add(BigDecimal.valueOf(answers() * (shrink ? atLeast : answer)).multiply(answerPrice));
    }
}
