/** Which waiting job is next. */
@NullMarked
package io.altiplano.scheduler.queue;

import org.jspecify.annotations.NullMarked;
