package io.altiplano.gateway.web;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of a list in OpenAI's envelope.
 *
 * @param object "list"
 * @param data the elements
 * @param firstId id of the first element, or null where there is none
 * @param lastId id of the last one: {@code after} of the next request
 * @param hasMore whether there are more after these
 */
public record ListPage<T>(
        String object,
        List<T> data,
        @JsonProperty("first_id") @Nullable String firstId,
        @JsonProperty("last_id") @Nullable String lastId,
        @JsonProperty("has_more") boolean hasMore) {}
