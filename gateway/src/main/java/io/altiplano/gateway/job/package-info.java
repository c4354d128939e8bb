/** Jobs out to Kafka and their answers back: submission, reply lease, routing by job and epoch, cancellation. */
@NullMarked
package io.altiplano.gateway.job;

import org.jspecify.annotations.NullMarked;
