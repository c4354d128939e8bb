/** What the platform itself costs: benchmarks with a worker that has no model. */
@NullMarked
package io.altiplano.stack.bench;

import org.jspecify.annotations.NullMarked;
