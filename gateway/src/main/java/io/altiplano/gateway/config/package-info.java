/** How the gateway reaches Kafka: one principal, one set of topics. */
@NullMarked
package io.altiplano.gateway.config;

import org.jspecify.annotations.NullMarked;
