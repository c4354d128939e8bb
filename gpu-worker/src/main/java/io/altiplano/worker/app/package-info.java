/** The worker's process and the engine's command line; chooses kernels, ranks and the model store. */
@NullMarked
package io.altiplano.worker.app;

import org.jspecify.annotations.NullMarked;
