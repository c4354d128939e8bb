/** Inference engine and kernels, and the agent that takes leases. */
@NullMarked
package io.altiplano.worker;

import org.jspecify.annotations.NullMarked;
