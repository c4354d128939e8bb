/** The functional core: decide(event, now) gives records, apply(record) changes state and gives effects. */
@NullMarked
package io.altiplano.scheduler.core;

import org.jspecify.annotations.NullMarked;
