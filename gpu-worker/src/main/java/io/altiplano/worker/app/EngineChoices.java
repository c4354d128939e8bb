package io.altiplano.worker.app;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.nativecpu.NativeKernels;
import io.altiplano.worker.kernel.nativecpu.NativeUnavailableException;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/** The words by which people choose ranks and kernels; the one place that knows every kernel backend. */
final class EngineChoices {
    private static final Logger LOG = Logger.getLogger(EngineChoices.class);

    private static final String VECTOR_API = "jdk.incubator.vector";

    private EngineChoices() {}

    /**
     * 1, 2, 4 or 8.
     *
     * @throws IllegalArgumentException naming the choices
     */
    static int tensorParallel(String word) {
        return switch (word.strip()) {
            case "1" -> 1;
            case "2" -> 2;
            case "4" -> 4;
            case "8" -> 8;
            default ->
                throw new IllegalArgumentException("tensor parallelism must be 1, 2, 4 or 8, not '" + word + "'");
        };
    }

    /**
     * auto (native where this machine can, else vector), native, vector or reference: the same bits.
     *
     * @throws IllegalArgumentException naming the choices, or saying why native or vector is not one here
     */
    static Kernels kernels(String word) {
        return kernels(word, reason -> LOG.warnf("event=kernels_chosen kernels=vector reason=%s", reason));
    }

    /** The same; {@code fallback} hears why auto is not native. */
    static Kernels kernels(String word, Consumer<String> fallback) {
        return kernels(word, NativeKernels::open, fallback);
    }

    /** How the native kernels are had. */
    interface Native {
        NativeKernels open() throws NativeUnavailableException;
    }

    static Kernels kernels(String word, Native here, Consumer<String> fallback) {
        return switch (word) {
            case "auto" -> nativeOrVector(here, fallback);
            case "native" -> {
                try {
                    yield here.open();
                } catch (NativeUnavailableException e) {
                    throw new IllegalArgumentException(
                            "native kernels cannot be used here: " + e.getMessage() + "; auto would use vector", e);
                }
            }
            case "vector" -> vector("");
            case "reference" -> new ReferenceKernels();
            default ->
                throw new IllegalArgumentException(
                        "kernels must be auto, native, vector or reference, not '" + word + "'");
        };
    }

    private static Kernels nativeOrVector(Native here, Consumer<String> fallback) {
        try {
            NativeKernels kernels = here.open();
            LOG.infof("event=kernels_chosen kernels=native instructions=%s", kernels.instructions());
            return kernels;
        } catch (NativeUnavailableException e) {
            fallback.accept(String.valueOf(e.getMessage()));
            return vector("native kernels cannot be used here: " + e.getMessage() + "; ");
        }
    }

    private static Kernels vector(String before) {
        if (ModuleLayer.boot().findModule(VECTOR_API).isEmpty()) {
            throw new IllegalArgumentException(before + "vector kernels need the JVM's option --add-modules "
                    + VECTOR_API + ", which ./altiplano up gives with ALTIPLANO_WORKER_KERNELS=vector");
        }
        return new CpuKernels();
    }
}
