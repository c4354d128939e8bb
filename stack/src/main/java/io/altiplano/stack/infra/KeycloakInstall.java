package io.altiplano.stack.infra;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Keycloak's files, unpacked and built once and shared by all runs. A run has a home of its own, whose {@code lib},
 * {@code conf}, {@code providers} and {@code themes} are links and whose {@code data} is its own.
 *
 * @param folder the unpacked distribution
 */
record KeycloakInstall(Path folder) {
    /** keycloak-quarkus-dist's version. */
    static final String VERSION = "26.4.5";

    /** Options that Keycloak builds into itself; they are the same at build and at each start, or it builds again. */
    private static final List<String> BUILD_OPTIONS = List.of("--health-enabled=true", "--cache=local");

    /** Keycloak's way to say that it has built itself anew and wants to be started again. */
    private static final int BUILT = 10;

    static KeycloakInstall unpacked(Path cache, Path zip) {
        Path folder = UnpackedOnce.in(cache.resolve("keycloak-" + VERSION), into -> {
            try {
                unzip(zip, into);
                build(new KeycloakInstall(into));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return new KeycloakInstall(folder);
    }

    /** Makes a home whose program is this and whose data is its own. */
    void prepareHome(Path home) throws IOException {
        Files.createDirectories(home.resolve("data"));
        for (String part : List.of("lib", "conf", "providers", "themes")) {
            Path link = home.resolve(part);
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, folder.resolve(part).toAbsolutePath());
        }
    }

    /** The command line as kc.sh makes it, less its garbage collector (a second one is refused). */
    List<String> command(Path home, boolean built) {
        List<String> c = new ArrayList<>();
        c.add(JavaCommand.java());
        c.addAll(List.of(
                "-Xms64m", "-Xmx384m", "-XX:MaxMetaspaceSize=256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        c.addAll(List.of("-XX:+ExitOnOutOfMemoryError", "--sun-misc-unsafe-memory-access=allow"));
        c.add("--enable-native-access=ALL-UNNAMED");
        for (String opened : List.of("java.util", "java.util.concurrent", "java.security", "java.lang")) {
            c.add("--add-opens=java.base/" + opened + "=ALL-UNNAMED");
        }
        c.add("-Djava.util.concurrent.ForkJoinPool.common.threadFactory="
                + "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory");
        c.addAll(List.of("-Dfile.encoding=UTF-8", "-Duser.language=en", "-Duser.country=US"));
        c.add("-Dkc.home.dir=" + home.toAbsolutePath());
        c.add("-Djboss.server.config.dir=" + home.resolve("conf").toAbsolutePath());
        c.add("-Djava.util.logging.manager=org.jboss.logmanager.LogManager");
        c.add("-Dpicocli.disable.closures=true");
        c.add("-Dquarkus-log-max-startup-records=10000");
        if (built) {
            c.add("-Dkc.config.built=true");
        }
        c.addAll(List.of(
                "-cp", folder.resolve("lib/quarkus-run.jar").toAbsolutePath().toString()));
        c.addAll(List.of("io.quarkus.bootstrap.runner.QuarkusEntryPoint", "--profile=dev", "start-dev"));
        c.addAll(BUILD_OPTIONS);
        return c;
    }

    private static void build(KeycloakInstall install) throws IOException {
        Path home = install.folder().resolveSibling("keycloak-build-home");
        UnpackedOnce.delete(home);
        install.prepareHome(home);
        try {
            Process p = new ProcessBuilder(install.command(home, false))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (p.waitFor() != BUILT) {
                throw new InfraException("Keycloak did not build itself (status " + p.exitValue() + "): " + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted while Keycloak built itself", e);
        } finally {
            UnpackedOnce.delete(home);
        }
    }

    private static void unzip(Path zip, Path into) throws IOException {
        if (!Files.exists(zip)) {
            throw new InfraException("no " + zip + ": build first (mvn package)");
        }
        try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
            for (ZipEntry e = in.getNextEntry(); e != null; e = in.getNextEntry()) {
                // Below the archive's one top folder.
                int slash = e.getName().indexOf('/');
                Path target = into.resolve(e.getName().substring(slash + 1)).normalize();
                if (!target.startsWith(into)) {
                    throw new InfraException("the archive " + zip + " names a file outside of it: " + e.getName());
                }
                if (e.isDirectory()) {
                    Files.createDirectories(target);
                } else {
                    Files.createDirectories(target.getParent());
                    Files.copy(in, target);
                }
            }
        }
    }
}
