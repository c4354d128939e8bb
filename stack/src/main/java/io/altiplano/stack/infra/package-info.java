/** The outer parts, real and embedded: PostgreSQL, a Kafka broker and Keycloak, as processes of their own on 127.0.0.1. */
@NullMarked
package io.altiplano.stack.infra;

import org.jspecify.annotations.NullMarked;
