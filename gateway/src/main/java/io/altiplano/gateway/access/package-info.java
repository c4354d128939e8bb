/** Who calls: an API key or an OIDC token becomes a caller, or the request ends here. */
@NullMarked
package io.altiplano.gateway.access;

import org.jspecify.annotations.NullMarked;
