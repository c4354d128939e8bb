/** The API, tenants, keys, licences, catalog, metering. */
@NullMarked
package io.altiplano.gateway;

import org.jspecify.annotations.NullMarked;
