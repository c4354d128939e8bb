/** The Llama forward pass over tensor-parallel ranks. */
@NullMarked
package io.altiplano.worker.model;

import org.jspecify.annotations.NullMarked;
