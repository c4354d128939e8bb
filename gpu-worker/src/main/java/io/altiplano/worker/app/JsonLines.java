package io.altiplano.worker.app;

import com.fasterxml.jackson.databind.JsonNode;

/** What the commands that read JSON lines share. */
final class JsonLines {
    private JsonLines() {}

    /**
     * The token ids of an array.
     *
     * @throws IllegalArgumentException naming the element that is no id
     */
    static int[] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            if (!array.path(i).isInt()) {
                throw new IllegalArgumentException("\"tokens\" holds " + array.path(i) + ", which is no token id");
            }
            ids[i] = array.path(i).intValue();
        }
        return ids;
    }
}
