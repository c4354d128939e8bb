/** Pages for people. */
@NullMarked
package io.altiplano.gateway.dashboard;

import org.jspecify.annotations.NullMarked;
