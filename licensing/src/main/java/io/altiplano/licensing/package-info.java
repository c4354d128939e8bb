/** The licence engine: pure Java, no framework, no clock, no I/O. */
@NullMarked
package io.altiplano.licensing;

import org.jspecify.annotations.NullMarked;
