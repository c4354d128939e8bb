/** Plain loops in the engine's reduction order: what every other backend is held to, bit for bit. */
@NullMarked
package io.altiplano.worker.kernel.reference;

import org.jspecify.annotations.NullMarked;
