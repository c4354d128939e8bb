package io.altiplano.gateway.catalog;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** The directory that holds one Hugging Face checkpoint directory a model, named by the model's id. */
@ApplicationScoped
public class ModelDirectory {
    /** Ids name directories, topics' fields and URLs: no separators, no dot in front. */
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    private final Path root;

    @Inject
    ModelDirectory(@ConfigProperty(name = "altiplano.models.dir") Path root) {
        this.root = root;
    }

    /** Whether this can be a model's id. */
    public static boolean isId(String id) {
        return ID.matcher(id).matches();
    }

    /**
     * A model's directory, whether or not it is there.
     *
     * @throws IllegalArgumentException if {@code id} is not an id
     */
    public Path directory(String id) {
        if (!isId(id)) {
            throw new IllegalArgumentException("not a model id");
        }
        return root.resolve(id);
    }
}
