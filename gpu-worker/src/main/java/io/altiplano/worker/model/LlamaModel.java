package io.altiplano.worker.model;

import io.altiplano.worker.kvcache.KvStorage;
import java.nio.file.Path;

/** A loaded Llama model. One caller thread at a time; its ranks are threads of its own. */
public final class LlamaModel implements AutoCloseable {
    private final LlamaConfig config;

    private LlamaModel(LlamaConfig config) {
        this.config = config;
    }

    /** Loads a Hugging Face checkpoint directory. */
    public static LlamaModel load(Path dir, ModelOptions options) {
        throw new UnsupportedOperationException("lands next");
    }

    public LlamaConfig config() {
        return config;
    }

    /** Storage for {@code blocks} blocks of 16 positions. */
    public KvStorage newKvStorage(int blocks) {
        throw new UnsupportedOperationException("lands next");
    }

    /** Runs one forward pass; {@code logits[i]} becomes the next-token logits of row {@code batch.logitRows()[i]}. */
    public void forward(ForwardBatch batch, KvStorage kv, float[][] logits) {
        throw new UnsupportedOperationException("lands next");
    }

    /** Equal fingerprints give equal bits. */
    public String numericsFingerprint() {
        throw new UnsupportedOperationException("lands next");
    }

    /** Bytes of weights that one rank holds. */
    public long bytesHeld(int rank) {
        throw new UnsupportedOperationException("lands next");
    }

    /** Collective operations in one forward pass. */
    public long collectivesPerForward() {
        throw new UnsupportedOperationException("lands next");
    }

    @Override
    public void close() {}
}
