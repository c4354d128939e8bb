/** Checkpoints on disk (safetensors, mapped into memory) and their shards. */
@NullMarked
package io.altiplano.worker.weights;

import org.jspecify.annotations.NullMarked;
