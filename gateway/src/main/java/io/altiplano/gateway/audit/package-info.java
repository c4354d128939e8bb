/** The append-only, hash-chained log of what was changed, by whom. */
@NullMarked
package io.altiplano.gateway.audit;

import org.jspecify.annotations.NullMarked;
