package io.altiplano.worker.engine;

import java.util.List;

/**
 * Finds stop strings in a text that comes in pieces, and holds back what could still become one. The first one to be
 * complete wins; of those complete at one place, the longest. What comes out does not depend on how the text is cut.
 */
final class StopMatcher {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean matched;

    StopMatcher(List<String> stops) {
        this.stops = stops.stream().filter(s -> !s.isEmpty()).toList();
    }

    /** Takes a piece and returns the text that is now certain to be no part of a stop string. Nothing after a match. */
    String add(String piece) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < piece.length() && !matched; i++) {
            held.append(piece.charAt(i));
            int stopLength = longestStopAtEnd();
            if (stopLength > 0) {
                matched = true;
                out.append(held, 0, held.length() - stopLength);
                held.setLength(0);
            } else {
                int certain = held.length() - longestPossibleStart();
                out.append(held, 0, certain);
                held.delete(0, certain);
            }
        }
        return out.toString();
    }

    /** Whether a stop string was found. */
    boolean matched() {
        return matched;
    }

    /** What was held back, when no more text comes. */
    String end() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }

    private int longestStopAtEnd() {
        int longest = 0;
        for (String stop : stops) {
            if (stop.length() > longest && endsWith(stop, stop.length())) {
                longest = stop.length();
            }
        }
        return longest;
    }

    /** Length of the longest end of the held text that begins a stop string; never half a character, as stop strings begin with whole ones. */
    private int longestPossibleStart() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
                if (endsWith(stop, n)) {
                    longest = n;
                }
            }
        }
        return longest;
    }

    private boolean endsWith(String stop, int n) {
        int from = held.length() - n;
        if (from < 0) {
            return false;
        }
        for (int i = 0; i < n; i++) {
            if (held.charAt(from + i) != stop.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
