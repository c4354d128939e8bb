/** Where keys and values of past positions live, and which sequence holds which block. */
@NullMarked
package io.altiplano.worker.kvcache;

import org.jspecify.annotations.NullMarked;
