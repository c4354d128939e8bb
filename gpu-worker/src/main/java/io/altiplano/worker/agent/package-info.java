/** Leases in, tokens and usage out: the worker's part of the job protocol, and its only use of Kafka. */
@NullMarked
package io.altiplano.worker.agent;

import org.jspecify.annotations.NullMarked;
