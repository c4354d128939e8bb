/** The chart: linted, rendered and strictly parsed, without a cluster. */
@NullMarked
package io.altiplano.helm;

import org.jspecify.annotations.NullMarked;
