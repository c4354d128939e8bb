package io.altiplano.worker.engine;

import io.altiplano.tokenizer.GgufFile;
import io.altiplano.tokenizer.InvalidTokenizerException;
import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.model.ModelOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The models of a directory, one Hugging Face directory a model id, each loaded when it is first asked for. A model that was
 * not there, or could not be loaded, is looked up again the next time. Safe for use by many threads.
 */
public final class ModelStore implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ModelStore.class.getName());
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    private final Path root;
    private final ModelOptions modelOptions;
    private final EngineOptions engineOptions;
    private final List<ModelObserver> observers = new CopyOnWriteArrayList<>();
    private final ModelObserver all = new ModelObserver() {
        @Override
        public void stepped(String model, StepReport report) {
            observers.forEach(observer -> observer.stepped(model, report));
        }

        @Override
        public void shared(String model, long nanos) {
            observers.forEach(observer -> observer.shared(model, nanos));
        }
    };
    private final ConcurrentHashMap<String, ServedModel> loaded = new ConcurrentHashMap<>();
    private final ReentrantLock loading = new ReentrantLock();

    /** Over a directory, which need not exist yet. */
    public ModelStore(Path root, ModelOptions modelOptions, EngineOptions engineOptions) {
        this.root = root;
        this.modelOptions = modelOptions;
        this.engineOptions = engineOptions;
    }

    /** Adds an observer of all models' steps; models that are already loaded included. */
    public void observe(ModelObserver observer) {
        observers.add(observer);
    }

    /** Removes an observer. */
    public void forget(ModelObserver observer) {
        observers.remove(observer);
    }

    /**
     * A model, loaded now if it is not yet; one model is loaded at a time.
     *
     * @throws ModelUnavailableException if there is none, or it cannot be loaded
     */
    public ServedModel get(String id) throws ModelUnavailableException {
        ServedModel served = loaded.get(id);
        if (served != null) {
            return served;
        }
        loading.lock();
        try {
            ServedModel meanwhile = loaded.get(id);
            if (meanwhile != null) {
                return meanwhile;
            }
            ServedModel fresh = load(id);
            loaded.put(id, fresh);
            return fresh;
        } finally {
            loading.unlock();
        }
    }

    /** Ids that look servable: directories with a config.json or a GGUF file; in order of name. */
    public List<String> ids() {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        try (Stream<Path> dirs = Files.list(root)) {
            return dirs.filter(dir -> Files.isRegularFile(dir.resolve("config.json")) || GgufFile.in(dir) != null)
                    .map(dir -> dir.getFileName().toString())
                    .filter(id -> ID.matcher(id).matches())
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.WARNING, "event=model_store_unreadable dir={0} error={1}", root, e.getMessage());
            return List.of();
        }
    }

    /** What is loaded, in order of id. */
    public List<ServedModel> loaded() {
        return loaded.values().stream()
                .sorted(Comparator.comparing(ServedModel::id))
                .toList();
    }

    /** Stops every engine. */
    @Override
    public void close() {
        loading.lock();
        try {
            loaded.values().forEach(ServedModel::close);
            loaded.clear();
        } finally {
            loading.unlock();
        }
    }

    private ServedModel load(String id) throws ModelUnavailableException {
        if (!ID.matcher(id).matches() || !Files.isDirectory(root.resolve(id))) {
            throw new ModelUnavailableException(
                    ModelUnavailableException.Code.MODEL_NOT_FOUND,
                    "this worker's model store has no model '" + id + "'; import it there");
        }
        try {
            return open(id, root.resolve(id), modelOptions, engineOptions, all);
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.log(Level.WARNING, "event=model_load_failed model={0} error={1}", id, e);
            throw new ModelUnavailableException(
                    ModelUnavailableException.Code.MODEL_INVALID,
                    "model '" + id + "' cannot be loaded: " + e.getMessage());
        }
    }

    /**
     * Loads one model directory; its adapters lie beside it.
     *
     * @throws InvalidTokenizerException if its tokenizer is unfit
     * @throws RuntimeException if its weights are, by the model's loader
     */
    public static ServedModel open(
            String id, Path dir, ModelOptions modelOptions, EngineOptions engineOptions, ModelObserver observer) {
        long start = System.nanoTime();
        Tokenizer tokenizer = Tokenizer.load(dir);
        LlamaModel model = LlamaModel.load(dir, modelOptions);
        try {
            Engine engine = new Engine(id, model, tokenizer, engineOptions, of(id, observer));
            LOG.log(
                    Level.INFO,
                    "event=model_loaded model={0} millis={1} numerics={2}",
                    id,
                    Long.toString((System.nanoTime() - start) / 1_000_000),
                    model.numericsFingerprint());
            Path root = dir.toAbsolutePath().getParent();
            AdapterStore adapters = new AdapterStore(root == null ? dir : root, model, engineOptions.adapterBytes());
            return new ServedModel(id, model, tokenizer, engine, adapters);
        } catch (RuntimeException | OutOfMemoryError e) {
            model.close();
            throw e;
        }
    }

    private static EngineObserver of(String id, ModelObserver observer) {
        return new EngineObserver() {
            @Override
            public void stepped(StepReport report) {
                observer.stepped(id, report);
            }

            @Override
            public void shared(long nanos) {
                observer.shared(id, nanos);
            }
        };
    }
}
