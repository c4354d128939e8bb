/** The arithmetic interface, and the one reduction order that every CPU backend keeps. */
@NullMarked
package io.altiplano.worker.kernel;

import org.jspecify.annotations.NullMarked;
