/** Everything in one command: PostgreSQL, Kafka, Keycloak and the services; journeys and faults. */
@NullMarked
package io.altiplano.stack;

import org.jspecify.annotations.NullMarked;
