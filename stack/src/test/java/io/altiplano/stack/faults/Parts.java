package io.altiplano.stack.faults;

import io.altiplano.stack.infra.ManagedProcess;
import io.altiplano.stack.platform.Supervised;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The processes of a {@link Cluster} by their names, each started again when it ends, and the signals that faults send them. */
final class Parts implements AutoCloseable {
    private final Map<String, Supervised> parts = new LinkedHashMap<>();

    void start(String name, Supplier<ManagedProcess> start) {
        parts.put(name, Supervised.start(start, line -> {}));
    }

    /** The process that runs now under a name: kafka, postgres, keycloak, gateway-0 and so on. */
    ManagedProcess current(String name) {
        return part(name).current();
    }

    private Supervised part(String name) {
        Supervised part = parts.get(name);
        if (part == null) {
            throw new IllegalArgumentException("no part '" + name + "'; there are " + parts.keySet());
        }
        return part;
    }

    /** kill -9; it is started again. */
    void kill(String name) {
        ProcessHandle.of(current(name).pid()).ifPresent(ProcessHandle::destroyForcibly);
    }

    /** SIGTERM, or what stops it in order; it is started again when it has ended. */
    void terminate(String name) {
        current(name).signal();
    }

    /** A signal by its number, as 19 to stop and 18 to go on. */
    void signal(String name, int number) {
        try {
            new ProcessBuilder("kill", "-" + number, Long.toString(current(name).pid()))
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends some of them, together. */
    void close(List<String> names) {
        names.stream().map(this::part).toList().parallelStream().forEach(Supervised::close);
    }

    @Override
    public void close() {
        parts.values().parallelStream().forEach(Supervised::close);
    }
}
