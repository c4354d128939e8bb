/** Who holds a job: epochs, renewal and expiry. */
@NullMarked
package io.altiplano.scheduler.lease;

import org.jspecify.annotations.NullMarked;
