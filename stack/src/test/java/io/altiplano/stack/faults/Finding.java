package io.altiplano.stack.faults;

/**
 * A broken invariant.
 *
 * @param invariant I1 to I9
 * @param what the job or thing, and what is wrong with it
 */
record Finding(Invariant invariant, String what) {
    /** The invariants, in the words of the reliability page. */
    enum Invariant {
        I1("every accepted job reaches exactly one terminal state"),
        I2("one usage entry a job, of the client's own count"),
        I3("no tenant sees or pays for another's"),
        I4("hard limits are never exceeded"),
        I5("the audit chain verifies"),
        I6("states only move forward; fenced epochs are dropped"),
        I7("equal tenants are served alike"),
        I8("everything drains within 30 s of healing"),
        I9("nothing is left over when idle");

        private final String text;

        Invariant(String text) {
            this.text = text;
        }

        String text() {
            return text;
        }
    }
}
