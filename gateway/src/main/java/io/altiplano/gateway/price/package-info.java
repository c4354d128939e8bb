/** The price book: what tokens cost, from an instant on, and what a job's counts come to. */
@NullMarked
package io.altiplano.gateway.price;

import org.jspecify.annotations.NullMarked;
