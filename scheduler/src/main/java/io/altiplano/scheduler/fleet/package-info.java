/** What is known of the workers. */
@NullMarked
package io.altiplano.scheduler.fleet;

import org.jspecify.annotations.NullMarked;
