/**
 * What a tenant and its projects may use: plans, limits and budgets, and the reservations that keep to them over all gateways.
 */
@NullMarked
package io.altiplano.gateway.entitlement;

import org.jspecify.annotations.NullMarked;
