/** Fair queue, placement, leases: a functional core in a Kafka Streams shell. */
@NullMarked
package io.altiplano.scheduler;

import org.jspecify.annotations.NullMarked;
