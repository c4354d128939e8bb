package io.altiplano.worker.engine;

import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.model.LlamaModel;

/**
 * A loaded model and its engine.
 *
 * @param id its id in the catalog
 */
public record ServedModel(String id, LlamaModel model, Tokenizer tokenizer, Engine engine, AdapterStore adapters)
        implements AutoCloseable {
    /** Stops the engine, then frees the model. */
    @Override
    public void close() {
        engine.close();
        adapters.close();
        model.close();
        tokenizer.close();
    }
}
