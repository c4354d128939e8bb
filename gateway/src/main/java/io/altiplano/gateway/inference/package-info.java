/** The OpenAI inference API: chat completions and models. */
@NullMarked
package io.altiplano.gateway.inference;

import org.jspecify.annotations.NullMarked;
