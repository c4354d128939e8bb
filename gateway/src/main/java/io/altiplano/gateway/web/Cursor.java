package io.altiplano.gateway.web;

import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a list is wanted, by OpenAI's parameters {@code after} and {@code limit}.
 *
 * @param after id of the element before the first one wanted, or null: from the beginning
 * @param limit how many at most, 1 to 100
 */
public record Cursor(@Nullable String after, int limit) {
    private static final int USUAL = 20;
    private static final int MOST = 100;
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,3}");

    /**
     * Reads the two parameters.
     *
     * @throws ApiException 400 the limit is none
     */
    public static Cursor of(@Nullable String after, @Nullable String limit) {
        if (limit == null) {
            return new Cursor(after, USUAL);
        }
        int number = NUMBER.matcher(limit).matches() ? Integer.parseInt(limit) : 0;
        if (number < 1 || number > MOST) {
            throw new ApiException(ApiError.invalidRequest(
                    "limit", "invalid_value", "limit must be a number from 1 to " + MOST + "."));
        }
        return new Cursor(after, number);
    }

    /**
     * Cuts the part out of a whole list.
     *
     * @throws ApiException 400 {@code after} names no element of it
     */
    public <S, T> ListPage<T> cut(List<S> all, Function<S, String> id, Function<S, T> view) {
        int from = 0;
        if (after != null) {
            while (from < all.size() && !id.apply(all.get(from)).equals(after)) {
                from++;
            }
            if (from == all.size()) {
                throw unknownAfter();
            }
            from++;
        }
        return page(all.subList(from, all.size()), id, view);
    }

    /** The part from its rows, of which there is one more than {@link #limit} where the list goes on. */
    public <S, T> ListPage<T> page(List<S> rows, Function<S, String> id, Function<S, T> view) {
        List<S> shown = rows.subList(0, Math.min(limit, rows.size()));
        return new ListPage<>(
                "list",
                shown.stream().map(view).toList(),
                shown.isEmpty() ? null : id.apply(shown.getFirst()),
                shown.isEmpty() ? null : id.apply(shown.getLast()),
                rows.size() > limit);
    }

    /** The answer to an {@code after} that names nothing in the list. */
    public static ApiException unknownAfter() {
        return new ApiException(ApiError.invalidRequest(
                "after", "invalid_value", "after names nothing in this list; use last_id of the part before."));
    }
}
