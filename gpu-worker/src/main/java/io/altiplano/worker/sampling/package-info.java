/** From logits to a token: temperature, nucleus, counter-based noise, log-probabilities. */
@NullMarked
package io.altiplano.worker.sampling;

import org.jspecify.annotations.NullMarked;
