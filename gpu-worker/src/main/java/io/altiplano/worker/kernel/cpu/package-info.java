/** The Java Vector API backend: packed weight panels, the same reduction order, the same bits. */
@NullMarked
package io.altiplano.worker.kernel.cpu;

import org.jspecify.annotations.NullMarked;
