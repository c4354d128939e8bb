package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.TinyModels;
import io.altiplano.worker.model.LlamaModel;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterStoreTest {
    private static @Nullable LlamaModel opened;

    @TempDir
    Path root;

    private long one;

    @BeforeAll
    static void open(@TempDir Path dir) {
        opened = LlamaModel.load(TinyModels.write(dir.resolve("tiny")), TinyModels.options());
    }

    @AfterAll
    static void close() {
        Objects.requireNonNull(opened).close();
    }

    private static LlamaModel model() {
        return Objects.requireNonNull(opened);
    }

    @BeforeEach
    void fill() throws IOException {
        for (String id : List.of("a", "b", "c", "d")) {
            put(id, "r8-all");
        }
        try (var adapter = model().loadAdapter(root.resolve("a"))) {
            one = adapter.bytes();
        }
    }

    private void put(String id, String name) throws IOException {
        try {
            Path from = Path.of(Objects.requireNonNull(
                            AdapterStoreTest.class.getResource("/checkpoints/tied-llama3/adapters/" + name))
                    .toURI());
            Files.createDirectories(root.resolve(id));
            for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
                Files.copy(from.resolve(file), root.resolve(id).resolve(file));
            }
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whoeverWasUsedLongestAgoGoesFirstAndTheBudgetHolds() throws Exception {
        try (AdapterStore store = new AdapterStore(root, model(), 2 * one)) {
            store.acquire("a").close();
            store.acquire("b").close();
            store.acquire("a").close();
            store.acquire("c").close();

            assertThat(store.loaded()).containsExactly("a", "c");
            assertThat(store.bytes()).isEqualTo(2 * one);
        }
    }

    @Test
    void oneInUseIsKeptAndSharedAndANewOneWaitsForRoom() throws Exception {
        try (AdapterStore store = new AdapterStore(root, model(), 2 * one)) {
            AdapterStore.Lease a = store.acquire("a");
            AdapterStore.Lease again = store.acquire("a");
            AdapterStore.Lease b = store.acquire("b");
            assertThat(again.adapter()).isSameAs(a.adapter());

            CompletableFuture<AdapterStore.Lease> c = CompletableFuture.supplyAsync(() -> acquire(store, "c"));
            a.close();
            a.close();
            assertThat(c).isNotDone();
            assertThat(store.bytes()).isEqualTo(2 * one);
            again.close();

            c.get(30, TimeUnit.SECONDS).close();
            b.close();
            assertThat(store.loaded()).containsExactly("b", "c");
        }
    }

    private static AdapterStore.Lease acquire(AdapterStore store, String id) {
        try {
            return store.acquire(id);
        } catch (ModelUnavailableException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whatIsThereIsWhatIsServed() throws Exception {
        try (AdapterStore store = new AdapterStore(root, model(), 8 * one)) {
            AdapterStore.Lease old = store.acquire("a");
            put("e", "r1-query");
            Files.delete(root.resolve("a/adapter_model.safetensors"));
            Files.delete(root.resolve("a/adapter_config.json"));
            assertThatThrownBy(() -> store.acquire("a"))
                    .isInstanceOf(ModelUnavailableException.class)
                    .hasMessageContaining("no adapter 'a'");
            put("a", "r1-query");
            Files.setLastModifiedTime(root.resolve("a/adapter_config.json"), FileTime.fromMillis(1_000_000));

            AdapterStore.Lease fresh = store.acquire("a");

            assertThat(fresh.adapter().sha256())
                    .isNotEqualTo(old.adapter().sha256())
                    .isEqualTo(store.acquire("e").adapter().sha256());
            long held = store.bytes();
            old.close();
            assertThat(store.bytes()).as("the old one goes with its last user").isEqualTo(held - one);
        }
    }

    @Test
    void aCorruptOneATooLargeOneAndAPathAreRefusedByCodeAndHarmNobody() throws Exception {
        Files.write(root.resolve("b/adapter_model.safetensors"), new byte[100]);
        put("large", "r64-ffn-rslora");
        try (AdapterStore store = new AdapterStore(root, model(), one)) {
            AdapterStore.Lease a = store.acquire("a");
            assertThatThrownBy(() -> store.acquire("b"))
                    .isInstanceOfSatisfying(
                            ModelUnavailableException.class,
                            e -> assertThat(e.code()).isEqualTo(ModelUnavailableException.Code.ADAPTER_INVALID))
                    .hasMessageContaining("adapter 'b' cannot be loaded")
                    .hasMessageContaining("adapter_model.safetensors");
            assertThatThrownBy(() -> store.acquire("large")).hasMessageContaining("this worker keeps " + one);
            for (String id : List.of("none", "../" + root.getFileName() + "/a", "a/..", "")) {
                assertThatThrownBy(() -> store.acquire(id))
                        .isInstanceOfSatisfying(
                                ModelUnavailableException.class,
                                e -> assertThat(e.code()).isEqualTo(ModelUnavailableException.Code.ADAPTER_NOT_FOUND));
            }
            assertThat(store.bytes()).isEqualTo(one);
            a.close();
            assertThat(store.loaded()).containsExactly("a");
        }
    }
}
