package io.altiplano.stack.infra;

import java.nio.file.Path;

/**
 * Where one run of the platform (or of the test infrastructure) keeps its things.
 *
 * @param data databases and logs of Kafka; survives restarts
 * @param logs one file a process
 * @param run pid files
 * @param cache what was unpacked once and is shared by runs: PostgreSQL's and Keycloak's files
 */
public record Dirs(Path data, Path logs, Path run, Path cache) {
    /** Everything under one folder, the cache beside it. */
    public static Dirs under(Path home, Path cache) {
        return new Dirs(home.resolve("data"), home.resolve("logs"), home.resolve("run"), cache);
    }
}
