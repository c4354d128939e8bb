package io.altiplano.stack.faults;

import io.altiplano.stack.platform.Apps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the build left in the modules' {@code target} folders. */
final class Builds {
    private Builds() {}

    /** The build under test and the next one, each in folders of their own, so that what is learnt of a run can lie beside it. */
    static List<Apps> versions(Path root, Path folder) {
        Apps built = Apps.ofCheckout(root);
        Path now = folder.resolve("now");
        Path next = folder.resolve("next");
        return List.of(
                new Apps(
                        NextVersion.copy(built.gateway(), now.resolve("gateway")),
                        NextVersion.copy(built.scheduler(), now.resolve("scheduler")),
                        NextVersion.copy(built.worker(), now.resolve("worker")),
                        true),
                new Apps(
                        NextVersion.of(built.gateway(), root, next.resolve("gateway")),
                        NextVersion.of(built.scheduler(), root, next.resolve("scheduler")),
                        NextVersion.of(built.worker(), root, next.resolve("worker")),
                        true));
    }

    /** Keycloak's distribution. */
    static Path keycloak(Path root) throws IOException {
        try (var files = Files.list(root.resolve("stack/target/keycloak"))) {
            return files.filter(f -> f.toString().endsWith(".zip"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no Keycloak in stack/target/keycloak: mvn package"));
        }
    }
}
