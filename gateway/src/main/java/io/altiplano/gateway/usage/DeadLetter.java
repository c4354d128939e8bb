package io.altiplano.gateway.usage;

/**
 * A record that cannot be posted. The record itself stays in Kafka.
 *
 * @param offset where it is in its partition
 * @param reason why it cannot be posted
 */
record DeadLetter(long offset, String reason) {}
