/** Tenants, their projects and members, and the admin API over them. */
@NullMarked
package io.altiplano.gateway.tenant;

import org.jspecify.annotations.NullMarked;
