/** Which worker a job goes to. */
@NullMarked
package io.altiplano.scheduler.placement;

import org.jspecify.annotations.NullMarked;
