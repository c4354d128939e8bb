package io.altiplano.worker.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kernel.nativecpu.NativeKernels;
import io.altiplano.worker.kernel.nativecpu.NativeUnavailableException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EngineChoicesTest {
    private static final EngineChoices.Native NOWHERE = () -> {
        throw new NativeUnavailableException("this processor has no AVX-512");
    };

    @Test
    void auto_is_vector_where_native_cannot_be_and_native_is_refused_with_the_reason() {
        List<String> told = new ArrayList<>();
        assertThat(EngineChoices.kernels("auto", NOWHERE, told::add).name()).isEqualTo("vector");
        assertThat(told).containsExactly("this processor has no AVX-512");
        assertThatThrownBy(() -> EngineChoices.kernels("native", NOWHERE, told::add))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("this processor has no AVX-512")
                .hasMessageContaining("auto");
    }

    @Test
    void auto_is_native_where_it_can_be() {
        assertThat(EngineChoices.kernels("auto").name()).isEqualTo(here());
    }

    /** What auto chooses on this machine. */
    static String here() {
        try {
            return NativeKernels.open().name();
        } catch (NativeUnavailableException e) {
            return "vector";
        }
    }
}
