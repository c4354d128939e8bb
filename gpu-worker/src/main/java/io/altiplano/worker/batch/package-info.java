/** Which sequences' tokens the next step computes: chunks under a token budget, admission by free blocks, preemption. */
@NullMarked
package io.altiplano.worker.batch;

import org.jspecify.annotations.NullMarked;
