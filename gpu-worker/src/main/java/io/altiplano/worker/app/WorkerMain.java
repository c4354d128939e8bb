package io.altiplano.worker.app;

import io.altiplano.worker.kernel.nativecpu.NativeKernels;
import io.altiplano.worker.kernel.nativecpu.NativeUnavailableException;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.Set;

/** Starts the worker's process; native kernels are loaded and tested beside everything else that a start does. */
@QuarkusMain
public final class WorkerMain {
    private WorkerMain() {}

    /** Returns when the process has been told to stop. */
    public static void main(String... arguments) {
        String wanted = System.getProperty(
                "altiplano.worker.kernels", System.getenv().getOrDefault("ALTIPLANO_WORKER_KERNELS", "auto"));
        if (Set.of("auto", "native").contains(wanted)) {
            Thread.ofPlatform().name("native-kernels").daemon().start(WorkerMain::open);
        }
        Quarkus.run(arguments);
    }

    private static void open() {
        try {
            var unused = NativeKernels.open();
        } catch (NativeUnavailableException e) {
            // Whoever asks for them is told the reason again.
        }
    }
}
