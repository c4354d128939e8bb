/** Starts and stops the scheduler as a service: configuration, health, metrics, logs. */
@NullMarked
package io.altiplano.scheduler.app;

import org.jspecify.annotations.NullMarked;
