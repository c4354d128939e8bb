/** The licence engine: facts in, a permit with its duties or a denial with all its reasons out; no clock, no I/O. */
@NullMarked
package io.altiplano.licensing;

import org.jspecify.annotations.NullMarked;
