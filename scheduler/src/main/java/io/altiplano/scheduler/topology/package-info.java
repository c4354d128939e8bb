/** The Kafka Streams shell around the functional core: records in and out, state in a changelogged store. */
@NullMarked
package io.altiplano.scheduler.topology;

import org.jspecify.annotations.NullMarked;
