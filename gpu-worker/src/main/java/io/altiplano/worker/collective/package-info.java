/** Tensor-parallel ranks as threads, and what they exchange. */
@NullMarked
package io.altiplano.worker.collective;

import org.jspecify.annotations.NullMarked;
