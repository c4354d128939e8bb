package io.altiplano.stack.platform;

import io.altiplano.stack.infra.InfraException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The built services: folders that hold {@code quarkus-run.jar}.
 *
 * @param gateway the gateway's
 * @param scheduler the scheduler's
 * @param worker the GPU worker's
 * @param kept whether they stay as they are, so that an {@link AotCache} of theirs is worth making
 */
public record Apps(Path gateway, Path scheduler, Path worker, boolean kept) {
    /** As Maven leaves them in a checkout. */
    public static Apps ofCheckout(Path root) {
        return new Apps(
                root.resolve("gateway/target/quarkus-app"),
                root.resolve("scheduler/target/quarkus-app"),
                root.resolve("gpu-worker/target/quarkus-app"),
                false);
    }

    /** As the launcher copies them, so that a build does not pull jars from under running processes. */
    public static Apps ofDistribution(Path dist) {
        return new Apps(dist.resolve("gateway"), dist.resolve("scheduler"), dist.resolve("gpu-worker"), true);
    }

    /** The jar that starts the service of a folder. */
    static String jar(Path app) {
        Path jar = app.resolve("quarkus-run.jar");
        if (!Files.exists(jar)) {
            throw new InfraException("no " + jar + ": build first (mvn package -DskipTests)");
        }
        return jar.toString();
    }
}
