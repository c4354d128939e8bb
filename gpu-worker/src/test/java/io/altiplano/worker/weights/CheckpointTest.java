package io.altiplano.worker.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.tensor.FloatRows;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
    @TempDir
    Path dir;

    private void write(String name, String header, byte... data) throws IOException {
        write(name, header, header.length(), data);
    }

    private void write(String name, String header, long claimedLength, byte... data) throws IOException {
        byte[] head = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + head.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        Files.write(
                dir.resolve(name),
                file.putLong(claimedLength).put(head).put(data).array());
    }

    private static float[] row(FloatRows rows, int row) {
        float[] out = new float[rows.columns()];
        rows.read(row, 0, out.length, out, 0);
        return out;
    }

    @Test
    void valuesOfAllThreeTypesAreRead() throws IOException {
        // given 1 and -2 in BF16, F16 and F32
        write("model.safetensors", """
                {"b":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},"h":{"dtype":"F16","shape":[2,1],"data_offsets":[4,8]},\
                "f":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"__metadata__":{"format":"pt"}}""", new byte[] {
            (byte) 0x80, 0x3f, 0, (byte) 0xc0, 0, 0x3c, 0, (byte) 0xc0, 0, 0, (byte) 0x80, 0x3f, 0, 0, 0, (byte) 0xc0
        });

        // when
        try (Checkpoint checkpoint = Checkpoint.open(dir)) {
            // then
            assertThat(row(checkpoint.matrix("b", 2, 1), 1)).containsExactly(-2f);
            assertThat(row(checkpoint.matrix("h", 2, 1), 1)).containsExactly(-2f);
            assertThat(row(checkpoint.matrix("f", 1, 2), 0)).containsExactly(1f, -2f);
            assertThat(row(Shards.columns(checkpoint.matrix("f", 1, 2), 1, 1), 0))
                    .containsExactly(-2f);
            assertThat(checkpoint.fitsBf16("f")).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'w':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}} | tensor w ends at byte 16 of the data, but the file holds 8",
                "{'w':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}} | tensor w of shape [3] and dtype F32 does not take the 8 bytes",
                "{'w':{'dtype':'I64','shape':[1],'data_offsets':[0,8]}} | tensor w has dtype 'I64'",
                "{'w':{'dtype':'F32','shape':[1,1,2],'data_offsets':[0,8]}} | tensor w has shape [1,1,2]",
                "{'w':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}} | tensor w has an impossible shape",
                "{'w':{'dtype':'F32','shape':[2147483647,2147483647],'data_offsets':[0,8]}} | tensor w of shape",
                "{'w':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}} | tensor w has impossible offsets",
                "{'w':{'dtype':'F32','shape':[2],'data_offsets':[-8,0]}} | tensor w has impossible offsets",
                "{'w':{'dtype':'F32','shape':[2]}} | tensor w has no data_offsets",
                "{'w':1} | tensor w",
                "[1] | the header is not a JSON object",
                "{'w': | the header is not JSON",
                "{'w':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'w':{}} | Duplicate",
            })
    void aMalformedFileIsRefusedByFileAndTensor(String header, String message) throws IOException {
        // given
        write("model.safetensors", header.replace('\'', '"'), new byte[8]);

        // when, then
        assertThatThrownBy(() -> Checkpoint.open(dir))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("model.safetensors")
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, 1, 3, Long.MAX_VALUE, 200L << 20})
    void anImpossibleHeaderLengthIsRefusedBeforeItIsRead(long length) throws IOException {
        // given
        write("model.safetensors", "{}", length);

        // when, then
        assertThatThrownBy(() -> Checkpoint.open(dir)).hasMessageContaining("header length " + length);
    }

    @Test
    void aFileOfAFewBytesOrNoneIsRefused() throws IOException {
        assertThatThrownBy(() -> Checkpoint.open(dir)).hasMessageContaining("model.safetensors is missing");
        Files.write(dir.resolve("model.safetensors"), new byte[3]);
        assertThatThrownBy(() -> Checkpoint.open(dir)).hasMessageContaining("is truncated: 3 bytes");
    }

    @Test
    void aMissingOrMisshapenTensorIsNamedWhenAskedFor() throws IOException {
        // given
        write("model.safetensors", "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", new byte[8]);
        try (Checkpoint checkpoint = Checkpoint.open(dir)) {
            // when, then
            assertThatThrownBy(() -> checkpoint.vector("v", 2)).hasMessageContaining("tensor v is missing");
            assertThatThrownBy(() -> checkpoint.vector("w", 3))
                    .hasMessageContaining("tensor w has shape [2], the configuration needs [3]");
            assertThatThrownBy(() -> checkpoint.matrix("w", 1, 2)).hasMessageContaining("tensor w has shape [2]");
        }
    }

    @Test
    void anIndexThatPointsElsewhereIsRefused() throws IOException {
        // given
        write("part.safetensors", "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", new byte[8]);
        Path index = dir.resolve("model.safetensors.index.json");

        // when, then
        Files.writeString(index, "{\"weight_map\":{\"w\":\"../part.safetensors\"}}");
        assertThatThrownBy(() -> Checkpoint.open(dir)).hasMessageContaining("not a safetensors file beside the index");
        Files.writeString(index, "{\"weight_map\":{\"v\":\"part.safetensors\"}}");
        assertThatThrownBy(() -> Checkpoint.open(dir)).hasMessageContaining("tensor v is missing, though");
        Files.writeString(index, "{\"weight_map\":{\"w\":\"gone.safetensors\"}}");
        assertThatThrownBy(() -> Checkpoint.open(dir)).hasMessageContaining("gone.safetensors is missing");
        Files.writeString(index, "{}");
        assertThatThrownBy(() -> Checkpoint.open(dir)).hasMessageContaining("has no weight_map");
        try (RandomAccessFile file = new RandomAccessFile(index.toFile(), "rw")) {
            // Sparse: what would be read into memory, were it read.
            file.setLength(3L << 30);
        }
        assertThatThrownBy(() -> Checkpoint.open(dir))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContainingAll("model.safetensors.index.json", "is larger than 16 MiB");
    }

    @Test
    void theHashIsTheSameHoweverTensorsAreSpread() throws IOException {
        // given
        String v = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
        write("a.safetensors", "{\"v\":" + v + "}", new byte[] {1, 2, 3, 4});
        write("b.safetensors", "{\"w\":" + v + "}", new byte[] {5, 6, 7, 8});
        Files.writeString(
                dir.resolve("model.safetensors.index.json"),
                "{\"weight_map\":{\"w\":\"b.safetensors\",\"v\":\"a.safetensors\"}}");
        String spread = hash();
        Files.delete(dir.resolve("model.safetensors.index.json"));
        write(
                "model.safetensors",
                "{\"v\":" + v + ",\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                new byte[] {1, 2, 3, 4, 5, 6, 7, 8});

        // when
        String together = hash();

        // then
        assertThat(together).isEqualTo(spread).hasSize(64);
    }

    private String hash() {
        try (Checkpoint checkpoint = Checkpoint.open(dir)) {
            return checkpoint.sha256();
        }
    }
}
