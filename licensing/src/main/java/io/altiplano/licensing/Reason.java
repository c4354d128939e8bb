package io.altiplano.licensing;

import org.jspecify.annotations.Nullable;

/**
 * One reason of a denial.
 *
 * @param licence id of the licence version, or null where the lineage itself is at fault
 * @param clause the clause's number, or null where no clause is meant
 * @param code what is wrong
 * @param message what is wrong, in a sentence for the licensee
 * @param remedy the next step
 */
public record Reason(
        @Nullable String licence, @Nullable String clause, ReasonCode code, String message, String remedy) {}
