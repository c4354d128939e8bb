/** Number formats (BF16, E4M3) and row-wise matrix sources: what every other package of the engine speaks. */
@NullMarked
package io.altiplano.worker.tensor;

import org.jspecify.annotations.NullMarked;
