package io.altiplano.gateway.policy;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Enumerated values as the API writes them: lower case. */
final class Choices {
    private Choices() {}

    static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** The value that a text names. */
    static <E extends Enum<E>> Optional<E> find(Class<E> type, String given) {
        return Arrays.stream(type.getEnumConstants())
                .filter(v -> text(v).equals(given))
                .findFirst();
    }

    /**
     * The value that a parameter names.
     *
     * @throws ApiException 400 naming the parameter and its values
     */
    static <E extends Enum<E>> E require(Class<E> type, String name, String given) {
        return find(type, given)
                .orElseThrow(() -> new ApiException(ApiError.invalidRequest(
                        name,
                        "invalid_value",
                        name + " must be one of "
                                + Arrays.stream(type.getEnumConstants())
                                        .map(Choices::text)
                                        .collect(Collectors.joining(", "))
                                + ".")));
    }
}
