/** The AVX-512 backend: matrix products in C++ on the panels of {@code kernel.cpu}, with the same bits. */
@NullMarked
package io.altiplano.worker.kernel.nativecpu;

import org.jspecify.annotations.NullMarked;
