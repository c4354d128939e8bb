/** What a tier allows: requests a minute, concurrency, longest answer, weight in the queue. */
@NullMarked
package io.altiplano.gateway.entitlement;

import org.jspecify.annotations.NullMarked;
