/** Text to tokens and back, chat templates. */
@NullMarked
package io.altiplano.tokenizer;

import org.jspecify.annotations.NullMarked;
