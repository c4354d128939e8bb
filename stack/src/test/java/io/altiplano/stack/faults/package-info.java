/** Faults under load, and the offline checker that says what held. */
@NullMarked
package io.altiplano.stack.faults;

import org.jspecify.annotations.NullMarked;
