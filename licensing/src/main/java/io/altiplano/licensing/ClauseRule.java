package io.altiplano.licensing;

/** Judges one clause of one licence against a request. */
@FunctionalInterface
interface ClauseRule {
    /** Notes in the findings why the clause denies the use, if it does; a rule that throws denies it too. */
    void judge(LicenceVersion licence, Clause clause, LicenceRequest request, Findings findings);
}
