/** What travels over Kafka: the records (generated from {@code altiplano.proto}), the topics, the codec and typed ids. */
@NullMarked
package io.altiplano.contracts;

import org.jspecify.annotations.NullMarked;
