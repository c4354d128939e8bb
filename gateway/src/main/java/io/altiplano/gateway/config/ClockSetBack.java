package io.altiplano.gateway.config;

import java.time.Duration;

/**
 * The event that the machine's wall clock was set back. Clients for Kafka count by it and would wait as long, so whoever holds one
 * makes a new one.
 *
 * @param by how much
 */
public record ClockSetBack(Duration by) {}
