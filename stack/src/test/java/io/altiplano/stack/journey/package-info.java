/** Whole journeys through the real platform, from an official client to the ledger. */
@NullMarked
package io.altiplano.stack.journey;

import org.jspecify.annotations.NullMarked;
