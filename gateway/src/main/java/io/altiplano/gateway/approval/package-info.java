/** What two persons must agree to before it holds. */
@NullMarked
package io.altiplano.gateway.approval;

import org.jspecify.annotations.NullMarked;
