/** The ledger: every finished job is posted once, rolled up, and shown. */
@NullMarked
package io.altiplano.gateway.usage;

import org.jspecify.annotations.NullMarked;
