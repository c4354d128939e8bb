package io.altiplano.stack.platform;

import io.altiplano.stack.infra.ManagedProcess;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a service's JVM keeps of a run for the next start: its classes, read and linked, and which methods were hot (JEP 483, 514,
 * 515). The first run of a build records as it ends; {@link #assemble} makes the cache from that; every later start uses it.
 * A cache belongs to the jars of its folder and to one version of Java; a JVM that cannot use it starts without.
 */
public final class AotCache {
    private static final String CREATE = "-XX:AOTMode=create";
    private static final String RECORD = "-XX:AOTMode=record";
    private static final String CONFIGURATION = "-XX:AOTConfiguration=";
    private static final String CACHE = "-XX:AOTCache=";
    // What is not kept is told class by class otherwise, and a cache that does not fit as an error of the service's.
    private static final String QUIET = "-Xlog:aot*=off";

    private final Path recorded;
    private final Path cache;

    private AotCache(Path app) {
        String name = "java-" + Runtime.version().toString().replaceAll("[^A-Za-z0-9.+-]", "_") + "-" + jars(app);
        recorded = app.resolve(name + ".aotconf");
        cache = app.resolve(name + ".aot");
    }

    /**
     * Names what is in the folder: the JVM of this version takes a class from the cache without looking whether its jar is still
     * the one that it was read from.
     */
    private static String jars(Path app) {
        try (Stream<Path> all = Files.walk(app)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Path jar : all.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toList()) {
                String one = app.relativize(jar) + " " + Files.size(jar) + " " + Files.getLastModifiedTime(jar);
                digest.update((one + "\n").getBytes(StandardCharsets.UTF_8));
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Of a built service's folder, which may or may not have one. */
    static AotCache of(Path app) {
        return new AotCache(app);
    }

    /**
     * Options for a start.
     *
     * @param record whether a start that finds no cache prepares one
     */
    List<String> options(boolean record) {
        if (Files.exists(cache)) {
            return List.of(CACHE + cache, QUIET);
        }
        return record ? List.of(RECORD, CONFIGURATION + recorded, QUIET) : List.of();
    }

    /** Whether a run was recorded that no cache was made of. */
    private boolean waits() {
        return Files.exists(recorded) && !Files.exists(cache);
    }

    /**
     * Makes the cache of a recorded run, if there is one; takes some seconds of a core. What cannot be made is given up, and
     * recorded anew by the next run.
     *
     * @param app the service's folder
     * @param service how it was started
     * @return whether there is a new cache
     */
    public static boolean assemble(Path app, ManagedProcess.Spec service) {
        AotCache of = new AotCache(app);
        if (!of.waits()) {
            return false;
        }
        Path unfinished = of.cache.resolveSibling(of.cache.getFileName() + ".new");
        List<String> command = new ArrayList<>();
        for (String part : service.command()) {
            if (part.equals(RECORD)) {
                command.add(CREATE);
            } else if (!part.startsWith(CACHE)) {
                command.add(part);
            }
        }
        if (!command.contains(CREATE)) {
            return false;
        }
        command.add(1, CACHE + unfinished);
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectInput(new File("/dev/null"))
                    .start();
            if (process.waitFor() == 0 && Files.exists(unfinished)) {
                Files.move(unfinished, of.cache, StandardCopyOption.ATOMIC_MOVE);
                return true;
            }
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException("no AOT cache for " + service.name() + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            delete(of.recorded);
            delete(unfinished);
        }
    }

    /** The same start without cache or record. */
    public static ManagedProcess.Spec without(ManagedProcess.Spec service) {
        List<String> command = service.command().stream()
                .filter(part -> !part.startsWith("-XX:AOT") && !part.equals(QUIET))
                .toList();
        return new ManagedProcess.Spec(service.name(), command, service.environment(), service.stopSignal());
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
