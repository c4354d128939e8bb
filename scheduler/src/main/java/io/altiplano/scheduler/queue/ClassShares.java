package io.altiplano.scheduler.queue;

import io.altiplano.contracts.v1.JobClass;

/**
 * The classes' guaranteed shares, as weights: while all have jobs waiting, served tokens divide by them; what a class does
 * not use the others share.
 *
 * @param interactive of jobs that somebody waits for
 * @param batch of jobs with a window
 * @param training of fine-tuning
 */
public record ClassShares(int interactive, int batch, int training) {
    /** 80, 15 and 5 in a hundred. */
    public static final ClassShares DEFAULT = new ClassShares(80, 15, 5);

    public ClassShares {
        if (interactive < 1 || batch < 1 || training < 1) {
            throw new IllegalArgumentException("class shares " + interactive + ", " + batch + ", " + training
                    + ": each at least 1, or the class would starve");
        }
    }

    int of(JobClass jobClass) {
        return switch (jobClass) {
            case JOB_CLASS_BATCH -> batch;
            case JOB_CLASS_TRAINING -> training;
            case JOB_CLASS_INTERACTIVE, JOB_CLASS_UNSPECIFIED, UNRECOGNIZED -> interactive;
        };
    }
}
