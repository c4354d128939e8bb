package io.altiplano.stack.platform;

import io.altiplano.stack.infra.JavaCommand;
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
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What a service's JVM keeps of a run for the next start: its classes, read and linked, and which methods were hot (JEP 483, 514,
 * 515). The first run of a build records as it ends; {@link #assemble} makes the cache from that; every later start uses it.
 * A cache belongs to the jars of its folder and to one version of Java. Before it is used the first time the JVM is asked whether
 * it would; one that it would not use is told of once, thrown away, and recorded anew.
 */
public final class AotCache {
    private static final String CREATE = "-XX:AOTMode=create";
    private static final String RECORD = "-XX:AOTMode=record";
    private static final String CONFIGURATION = "-XX:AOTConfiguration=";
    private static final String CACHE = "-XX:AOTCache=";
    // What is not kept is told class by class otherwise, and a cache that does not fit as an error of the service's.
    private static final String QUIET = "-Xlog:aot*=off";

    /** What takes longer is given up: {@code ./altiplano down} waits 100 s for everything. */
    private static final int LONGEST_SECONDS = 45;

    /** Caches that the JVM would use, by how it was asked. */
    private static final Map<Path, String> FITTING = new ConcurrentHashMap<>();

    /** Which of the services of a folder records: one is enough to learn from. */
    private static final Map<Path, String> RECORDING = new ConcurrentHashMap<>();

    private final Path app;
    private final Path recorded;
    private final Path cache;

    private AotCache(Path app) {
        this.app = app;
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
     * @param service its name, to tell of a cache that cannot be used
     * @param jvm the JVM's other options
     * @param record whether a start that finds no cache prepares one, if no other service of this folder does
     */
    List<String> options(String service, List<String> jvm, boolean record) {
        if (Files.exists(cache)) {
            Optional<String> refused = refusal(jvm);
            if (refused.isEmpty()) {
                return List.of(CACHE + cache, QUIET);
            }
            System.out.printf("  %s starts without its AOT cache, so more slowly: %s%n", service, refused.get());
            delete(cache);
        }
        boolean records = record && service.equals(RECORDING.computeIfAbsent(recorded, _ -> service));
        return records ? List.of(RECORD, CONFIGURATION + recorded, QUIET) : List.of();
    }

    /** Why the JVM would not use the cache, in its words; empty if it would. A fifth of a second of a core, the first time. */
    Optional<String> refusal(List<String> jvm) {
        File file = cache.toFile();
        String state = jvm + " " + file.length() + " " + file.lastModified();
        if (state.equals(FITTING.get(cache))) {
            return Optional.empty();
        }
        List<String> command = new ArrayList<>(List.of(JavaCommand.java(), "-XX:AOTMode=on", CACHE + cache));
        command.addAll(jvm);
        command.addAll(List.of("-cp", Apps.jar(app), "-version"));
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectInput(new File("/dev/null"))
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() == 0) {
                FITTING.put(cache, state);
                return Optional.empty();
            }
            return Optional.of(
                    said.lines().findFirst().orElse("the JVM does not say why").replaceFirst("^(\\[[^]]*] ?)+", ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("interrupted");
        }
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
            if (!process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            } else if (process.exitValue() == 0 && Files.exists(unfinished)) {
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
