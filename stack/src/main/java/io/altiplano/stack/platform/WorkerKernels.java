package io.altiplano.stack.platform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/**
 * Whether a worker will choose its native kernels, and so needs no Vector API. That is an incubating module, and with one the JVM
 * takes neither linked classes nor lambdas from its AOT cache, so the worker starts more slowly.
 */
final class WorkerKernels {
    private static final String LIBRARY = "native/libaltiplano-kernels.so";
    private static final String SETTING = "ALTIPLANO_WORKER_KERNELS";
    private static final List<String> NEEDED = List.of("avx512f", "avx512bw", "avx512dq", "avx512vl");

    private WorkerKernels() {}

    /**
     * By the processor, the build and the setting. What only the worker can find out, a library that fails its test, ends it
     * with the remedy.
     *
     * @param environment that the worker gets beside this process's
     */
    static boolean areNative(Path app, Map<String, String> environment) {
        String setting = environment.getOrDefault(SETTING, System.getenv().getOrDefault(SETTING, "auto"));
        return Set.of("auto", "native").contains(setting) && runHere(Path.of("/proc/cpuinfo")) && built(app);
    }

    /** Whether the first processor of {@code /proc/cpuinfo} has what they are compiled for. */
    static boolean runHere(Path processors) {
        if (!Files.isReadable(processors)) {
            return false;
        }
        try (Stream<String> lines = Files.lines(processors)) {
            return lines.filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .filter(flags -> List.of(flags.split("\\s+")).containsAll(NEEDED))
                    .isPresent();
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether one of a service's own jars holds the library. */
    static boolean built(Path app) {
        try (Stream<Path> jars = Files.list(app.resolve("app"))) {
            return jars.filter(jar -> jar.toString().endsWith(".jar")).anyMatch(WorkerKernels::hasLibrary);
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean hasLibrary(Path jar) {
        try (JarFile file = new JarFile(jar.toFile())) {
            return file.getEntry(LIBRARY) != null;
        } catch (IOException e) {
            return false;
        }
    }
}
