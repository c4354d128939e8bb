package io.altiplano.worker.kernel.nativecpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.BatchDependentKernels;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.KvPlane;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native kernels serve where they can; where not, the reason is said. */
class NativeKernelsTest {
    @TempDir
    private Path dir;

    @Test
    void they_open_exactly_where_the_processor_and_the_build_allow() throws Exception {
        boolean built = NativeKernels.class.getResource("/native/libaltiplano-kernels.so") != null;
        if (built && processorHas("avx512f", "avx512bw", "avx512dq", "avx512vl")) {
            assertThat(NativeKernels.open().name()).isEqualTo("native");
            List<String> expected = new ArrayList<>(List.of("AVX512"));
            if (processorHas("avx512vbmi")) {
                expected.add("AVX512_VBMI");
            }
            if (processorHas("avx512vbmi", "avx512_bf16")) {
                expected.add("AVX512_BF16");
            }
            assertThat(NativeKernels.variants())
                    .extracting(NativeKernels::instructions)
                    .isEqualTo(expected);
            assertThat(NativeKernels.open().instructions()).isIn(expected);
        } else {
            assertThatThrownBy(NativeKernels::open)
                    .isInstanceOf(NativeUnavailableException.class)
                    .hasMessageContaining(built ? "AVX-512" : "built");
        }
    }

    private static boolean processorHas(String... flags) throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        return Files.isReadable(info)
                && Files.readAllLines(info).stream()
                        .filter(line -> line.startsWith("flags"))
                        .anyMatch(line -> Set.of(line.split("\\s+")).containsAll(List.of(flags)));
    }

    @Test
    void a_file_that_is_no_library_is_refused_with_the_reason() throws Exception {
        Path file = Files.writeString(dir.resolve("kernels.so"), "not a library");
        assertThatThrownBy(() -> NativeKernels.open(file, Instructions.AVX512, new SelfTest(new CpuKernels())))
                .isInstanceOf(NativeUnavailableException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("cannot be loaded");
    }

    @Test
    void the_self_test_finds_an_order_that_depends_on_the_batch_and_nothing_in_a_sound_backend() {
        CpuKernels sound = new CpuKernels();
        assertThat(SelfTest.difference(sound, sound)).isEmpty();
        assertThat(SelfTest.difference(new BatchDependentKernels(sound), sound))
                .contains("2 rows")
                .contains("instead of");
    }

    @Test
    void the_self_test_finds_attention_that_rounds_otherwise() {
        CpuKernels sound = new CpuKernels();
        Kernels otherwise = proxy(
                Kernels.class,
                sound,
                (method, arguments, result) -> result instanceof RankKernels rank
                        ? proxy(RankKernels.class, rank, (what, given, none) -> {
                            if (what.equals("attention")) {
                                float[] out = (float[]) given[6];
                                out[out.length - 1] = Math.nextUp(out[out.length - 1]);
                            }
                            return none;
                        })
                        : result);
        assertThat(SelfTest.difference(otherwise, sound)).startsWith("attention over f32, row 8:");
    }

    @Test
    void the_self_test_finds_each_operation_along_rows_that_rounds_otherwise() {
        CpuKernels sound = new CpuKernels();
        SelfTest test = new SelfTest(sound);
        for (var place :
                Map.of("rmsNorm", 5, "rowAbsMax", 3, "quantize", 0, "swiGlu", 3).entrySet()) {
            Kernels otherwise = proxy(
                    Kernels.class,
                    sound,
                    (method, arguments, result) -> result instanceof RankKernels rank
                            ? proxy(RankKernels.class, rank, (what, given, none) -> {
                                if (what.equals(place.getKey())) {
                                    float[] out = (float[]) given[place.getValue()];
                                    out[1] = Math.nextUp(out[1]);
                                }
                                return none;
                            })
                            : result);
            assertThat(test.difference(otherwise)).startsWith(place.getKey() + ": ");
        }
    }

    @Test
    void rows_that_there_are_not_are_refused_before_they_are_read() {
        try (RankKernels rank = here().forRank(1)) {
            float[] six = new float[6];
            float[] five = new float[5];
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    () -> rank.rowAbsMax(five, 2, 3, new float[2]),
                    () -> rank.rowAbsMax(six, 2, 3, new float[1]),
                    () -> rank.quantize(five, 2, 3, new float[2]),
                    () -> rank.quantize(six, 2, 3, new float[1]),
                    () -> rank.rmsNorm(five, 2, 3, new float[3], 1e-5f, six),
                    () -> rank.rmsNorm(six, 2, 3, new float[2], 1e-5f, six),
                    () -> rank.rmsNorm(six, 2, 3, new float[3], 1e-5f, five),
                    () -> rank.swiGlu(new float[11], 2, 3, six),
                    () -> rank.swiGlu(new float[12], 2, 3, five))) {
                assertThatThrownBy(call).isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
    }

    private interface After {
        @Nullable
        Object call(String method, Object[] arguments, @Nullable Object result);
    }

    /** The sound one, with something done after each call. */
    private static <T> T proxy(Class<T> type, T sound, After after) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (self, method, arguments) -> after.call(method.getName(), arguments, method.invoke(sound, arguments))));
    }

    @Test
    void a_block_that_there_is_not_is_refused_before_it_is_read() {
        // given
        KvSlab kv = KvSlab.of(KvType.BF16, 2, 1, 16);
        float[] qkv = new float[48];
        float[] out = new float[16];

        // then
        for (int bad : new int[] {2, -1, 1 << 28}) {
            AttentionRows rows = new AttentionRows(1, new int[] {20}, new int[] {0}, new int[][] {{0, bad}});
            try (RankKernels rank = here().forRank(1)) {
                assertThatThrownBy(() -> rank.attention(rows, qkv, 48, 1, kv, 1f, out))
                        .isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
    }

    @Test
    void scales_or_values_that_there_are_not_are_refused_before_they_are_read() {
        // given two blocks' keys, but one block's values, or scales of one
        KvPlane whole = KvPlane.of(KvType.FP8, 512, 32);
        KvPlane half = KvPlane.of(KvType.FP8, 256, 16);
        KvPlane unscaled = KvPlane.of(KvType.FP8, 512, 16);
        AttentionRows rows = new AttentionRows(1, new int[] {20}, new int[] {0}, new int[][] {{0, 1}});
        float[] out = new float[16];

        // then
        for (KvSlab kv : List.of(
                new KvSlab(whole, half, 1, 16),
                new KvSlab(whole, unscaled, 1, 16),
                new KvSlab(unscaled, whole, 1, 16))) {
            try (RankKernels rank = here().forRank(1)) {
                assertThatThrownBy(() -> rank.attention(rows, new float[48], 48, 1, kv, 1f, out))
                        .isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class);
            }
        }
        try (RankKernels rank = here().forRank(1)) {
            rank.attention(rows, new float[48], 48, 1, new KvSlab(whole, whole, 1, 16), 1f, out);
        }
        assertThat(out).containsOnly(0f);
    }

    /** The native kernels, or those that serve where there are none: both refuse. */
    private static Kernels here() {
        try {
            return NativeKernels.open();
        } catch (NativeUnavailableException e) {
            return new CpuKernels();
        }
    }

    @Test
    void nothing_is_left_of_the_library_in_the_temporary_folder() throws Exception {
        // when
        here();

        // then: not even while it is in use
        Path mapped = Path.of("/proc/self/maps");
        if (Files.isReadable(mapped)) {
            assertThat(Files.readAllLines(mapped).stream().filter(line -> line.contains("libaltiplano-kernels")))
                    .allMatch(line -> line.endsWith("(deleted)"));
        }
    }

    @Test
    void without_a_compiler_the_build_goes_on_and_notes_the_reason() throws Exception {
        Path script = Path.of(System.getProperty("altiplano.root"), "gpu-worker", "src", "main", "native", "build.sh");
        ProcessBuilder build = new ProcessBuilder("bash", script.toString(), dir.toString());
        build.environment().put("CXX", "no-such-compiler");
        Process process = build.redirectErrorStream(true)
                .redirectOutput(dir.resolve("log").toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        assertThat(dir.resolve("libaltiplano-kernels.so")).doesNotExist();
        assertThat(dir.resolve("unavailable.txt")).content().containsAnyOf("no-such-compiler", "not on Linux");
    }
}
