/** The step loop: schedule, run, postprocess; one thread a model. */
@NullMarked
package io.altiplano.worker.engine;

import org.jspecify.annotations.NullMarked;
