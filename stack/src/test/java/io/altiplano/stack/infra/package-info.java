/** The outer parts, tried for real. */
@NullMarked
package io.altiplano.stack.infra;

import org.jspecify.annotations.NullMarked;
