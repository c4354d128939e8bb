package io.altiplano.worker.engine;

/**
 * How many units of a work fit a micro-step, by what the last one took. What took more than half of what is allowed is done with fewer;
 * what took less is tried with up to twice as many, if that fits even where each unit costs as much as before and a fifth more.
 * (A forward pass mostly reads its weights, so two rows cost little more than one: that is found by trying.)
 */
final class Pace {
    /** What a micro-step may take: 50 ms. */
    static final long LONGEST = 50_000_000;

    private static final long AIM = LONGEST / 2;
    private static final long LARGEST = LONGEST * 10 / 12;
    /** A unit alone may be held up once by something else on the machine. */
    private static final int PATIENCE = 3;

    private int most = 1;
    private int tooLong;

    /** Units of the next micro-step at most. */
    int most() {
        return most;
    }

    /**
     * A micro-step is over.
     *
     * @return false if units are too large: a single one has taken longer than a micro-step may, three times on end
     */
    boolean took(int units, long nanos) {
        tooLong = units == 1 && nanos > LONGEST ? tooLong + 1 : 0;
        long fits = units * (nanos <= AIM ? LARGEST : AIM) / Math.max(1, nanos);
        most = (int) Math.clamp(fits, 1, Math.min(2L * units, Integer.MAX_VALUE));
        return tooLong < PATIENCE;
    }
}
