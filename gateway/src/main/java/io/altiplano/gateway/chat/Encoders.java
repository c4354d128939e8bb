package io.altiplano.gateway.chat;

import io.altiplano.gateway.catalog.Model;
import io.altiplano.gateway.catalog.ModelDirectory;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.tokenizer.ChatEncoder;
import io.altiplano.tokenizer.InvalidTokenizerException;
import io.altiplano.tokenizer.Tokenizer;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/** Each model's tokenizer and chat template, read from the model store at first use and kept. */
@ApplicationScoped
class Encoders {
    private static final Logger LOG = Logger.getLogger(Encoders.class);

    private final ModelDirectory store;
    private final Map<Key, Encoder> loaded = new ConcurrentHashMap<>();

    /** A model imported anew under its old id is another one. */
    private record Key(String id, String weightsSha256) {}

    /** What turns a conversation into token ids, and token ids into text. */
    record Encoder(Tokenizer tokenizer, ChatEncoder chat) {}

    @Inject
    Encoders(ModelDirectory store) {
        this.store = store;
    }

    /**
     * The model's encoder.
     *
     * @throws ApiException 503 if its files cannot be read now
     */
    Encoder of(Model model) {
        try {
            return loaded.computeIfAbsent(new Key(model.id(), model.weightsSha256()), key -> load(key.id()));
        } catch (InvalidTokenizerException e) {
            LOG.errorf("model %s: %s", model.id(), e.getMessage());
            throw new ApiException(ApiError.unavailable(
                    "model_unavailable",
                    "The tokenizer of the model '" + model.id() + "' cannot be read at the moment.",
                    Duration.ofSeconds(30)));
        }
    }

    private Encoder load(String id) {
        Path directory = store.directory(id);
        Tokenizer tokenizer = Tokenizer.load(directory);
        return new Encoder(tokenizer, ChatEncoder.load(directory, tokenizer));
    }
}
