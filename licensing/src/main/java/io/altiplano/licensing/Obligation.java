package io.altiplano.licensing;

/**
 * A duty that comes with a permit.
 *
 * @param licence id of the licence version that asks for it
 * @param clause the clause's number
 * @param kind what kind of duty
 * @param text what is to be done, or kept
 */
public record Obligation(String licence, String clause, Kind kind, String text) {
    /** The kinds of duties, in the order in which a licence's duties are listed. */
    public enum Kind {
        /** Keep to the acceptable use policy, and see that users do. */
        ACCEPTABLE_USE,
        /** Hand over a copy of the agreement. */
        AGREEMENT_COPY,
        /** Display a text prominently. */
        DISPLAY,
        /** Begin the name of a distributed model so. */
        NAME_PREFIX,
        /** Put a text file "Notice" with copies. */
        NOTICE,
        /** Do not improve other language models. */
        NO_IMPROVING_OTHERS
    }
}
