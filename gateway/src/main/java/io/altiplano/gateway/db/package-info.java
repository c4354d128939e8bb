/** Transactions as one of four database roles, and what happens when PostgreSQL is away. */
@NullMarked
package io.altiplano.gateway.db;

import org.jspecify.annotations.NullMarked;
