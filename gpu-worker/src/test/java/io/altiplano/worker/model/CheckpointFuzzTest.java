package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Checkpoints whose files were damaged at random, by a seed: each loads, or is refused by {@link InvalidCheckpointException}, and by
 * nothing else, within seconds. A failure prints its seed.
 */
class CheckpointFuzzTest {
    private static final long NANOS = 2_000_000_000L;
    private static final List<String> WORDS = List.of(
            "-1",
            "0",
            "9223372036854775807",
            "99999999999999999999",
            "1e400",
            "null",
            "[]",
            "{}",
            "\"\"",
            "4294967296",
            "[[[[",
            "NaN",
            "\"../../etc/passwd\"",
            "\"/dev/zero\"",
            "\"a\\u0000b.safetensors\"",
            "2147483647",
            "\"F64\"",
            "\"I8\"",
            "true",
            "16777216");

    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"tied-llama3", "untied-odd", "fp8-fbgemm", "fp8-static", "gguf-mixed", "panels"})
    void damagedFilesAreRefusedByOneExceptionOrLoad(String name) throws IOException {
        // given
        copy(name.equals("panels") ? "fp8-fbgemm" : name);
        if (name.equals("panels")) {
            LlamaModel.writePanels(dir, options());
        }
        List<Path> files;
        try (Stream<Path> all = Files.list(dir)) {
            files = all.filter(f ->
                            f.toString().matches(".*(\\.safetensors|config\\.json|index\\.json|\\.gguf|\\.panels)"))
                    .sorted()
                    .toList();
        }
        int refused = 0;
        int tries = 0;
        long until = System.nanoTime() + NANOS;

        // when
        for (long seed = 0; System.nanoTime() < until; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Path file = files.get(random.nextInt(files.size()));
            byte[] sound = Files.readAllBytes(file);
            Files.write(file, damaged(sound, random));
            tries++;
            refused += isRefused(name, seed, file) ? 1 : 0;
            Files.write(file, sound);
        }

        // then the damage is seen often, and the whole loads again
        assertThat(refused).isGreaterThan(tries / 5).isPositive();
        LlamaModel.load(dir, options()).close();
    }

    private boolean isRefused(String name, long seed, Path file) {
        long start = System.nanoTime();
        try {
            LlamaModel.load(dir, options()).close();
            return false;
        } catch (InvalidCheckpointException e) {
            assertThat(e.getMessage()).as("seed %d of %s", seed, name).contains(dir.toString());
            assertThat(System.nanoTime() - start)
                    .as("seed %d of %s", seed, name)
                    .isLessThan(20_000_000_000L);
            return true;
        } catch (RuntimeException | Error e) {
            return fail("seed " + seed + " of " + name + " (" + file.getFileName() + ")", e);
        }
    }

    /** Cuts, flips, overwrites; mostly in the head, where a file says what it holds. */
    private static byte[] damaged(byte[] sound, SplittableRandom random) {
        byte[] bytes = sound.clone();
        switch (random.nextInt(6)) {
            case 0 -> {
                return Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            case 1 -> {
                for (int i = 0; i < 4; i++) {
                    bytes[random.nextInt(Math.min(bytes.length, 3000))] ^= (byte) (1 << random.nextInt(8));
                }
            }
            case 2 -> bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? 0x7f : 0xff);
            case 3 -> {
                int at = random.nextInt(Math.min(bytes.length - 8, 2000));
                long value = random.nextBoolean() ? random.nextLong() : 1L << random.nextInt(64);
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
            }
            default -> {
                return withWord(bytes, random);
            }
        }
        return bytes;
    }

    /** A number or string of the head replaced by a hostile one. */
    private static byte[] withWord(byte[] bytes, SplittableRandom random) {
        int head = Math.min(bytes.length, 4000);
        String text = new String(bytes, 0, head, StandardCharsets.ISO_8859_1);
        List<MatchResult> places =
                Pattern.compile("\\d+|\"[^\"]*\"").matcher(text).results().toList();
        if (places.isEmpty()) {
            return Arrays.copyOf(bytes, bytes.length / 2);
        }
        var place = places.get(random.nextInt(places.size()));
        String word = WORDS.get(random.nextInt(WORDS.size()));
        byte[] changed = (text.substring(0, place.start()) + word + text.substring(place.end()))
                .getBytes(StandardCharsets.ISO_8859_1);
        byte[] out = Arrays.copyOf(changed, changed.length + bytes.length - head);
        System.arraycopy(bytes, head, out, changed.length, bytes.length - head);
        if (text.startsWith("{", 8)) {
            // The header's length follows, so that the words are what is judged.
            ByteBuffer sized = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
            sized.putLong(0, sized.getLong(0) + changed.length - head);
        }
        return out;
    }

    private static ModelOptions options() {
        return new ModelOptions(WeightsMode.FP8_FFN, 1, 1, new CpuKernels());
    }

    private void copy(String name) throws IOException {
        try (Stream<Path> files = Files.list(Golden.directory("tied-llama3").resolveSibling(name))) {
            for (Path file : files.toList()) {
                if (!file.toString().matches(".*\\.f(32|64)|.*golden.json")) {
                    Files.copy(file, dir.resolve(file.getFileName().toString()));
                }
            }
        }
    }
}
