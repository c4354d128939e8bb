/** The path every chat request takes: limits, rendering and encoding, licence, job. */
@NullMarked
package io.altiplano.gateway.chat;

import org.jspecify.annotations.NullMarked;
