/** The commands, without the platform. */
@NullMarked
package io.altiplano.stack.cli;

import org.jspecify.annotations.NullMarked;
