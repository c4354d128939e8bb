package io.altiplano.scheduler.core;

import org.jspecify.annotations.Nullable;

/**
 * A change of the store: the entry's new value, or null where it is deleted. Changes are written in order.
 */
public record Change(String key, @Nullable Stored value) {}
