package io.altiplano.stack.platform;

import io.altiplano.stack.infra.InfraException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder that gateways and workers read models from, one Hugging Face checkpoint folder a catalog id.
 *
 * @param folder the store
 */
public record ModelStore(Path folder) {
    private static final Pattern ID = Pattern.compile("[a-z0-9][a-z0-9._-]{0,95}");

    /**
     * Copies a checkpoint folder's files into the store unless that id is there; true if it was copied.
     *
     * @throws InfraException if the id is not one or the folder is no checkpoint, naming what is missing
     */
    public boolean add(String id, Path checkpoint) {
        if (!ID.matcher(id).matches()) {
            throw new InfraException("model id '" + id + "': lower case letters, digits, '.', '_' and '-', at most 96");
        }
        for (String needed : List.of("config.json", "tokenizer.json")) {
            if (!Files.isRegularFile(checkpoint.resolve(needed))) {
                throw new InfraException(checkpoint + " is no Hugging Face checkpoint folder: it has no " + needed);
            }
        }
        Path target = folder.resolve(id);
        if (Files.exists(target)) {
            return false;
        }
        Path partial = folder.resolve("." + id + ".partial");
        try {
            delete(partial);
            Files.createDirectories(partial);
            boolean weights = false;
            for (Path file : files(checkpoint)) {
                weights |= file.toString().endsWith(".safetensors");
                Files.copy(file, partial.resolve(file.getFileName()));
            }
            if (!weights) {
                throw new InfraException(checkpoint + " has no *.safetensors: only that format of weights is read");
            }
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
            return true;
        } catch (IOException e) {
            throw new InfraException("cannot copy " + checkpoint + " to " + target + ": " + e.getMessage(), e);
        }
    }

    /** Takes a model's files out of the store. */
    public void remove(String id) {
        try {
            delete(folder.resolve(id));
        } catch (IOException e) {
            throw new InfraException("cannot remove " + folder.resolve(id) + ": " + e.getMessage(), e);
        }
    }

    private static List<Path> files(Path checkpoint) throws IOException {
        try (Stream<Path> all = Files.list(checkpoint)) {
            return all.filter(Files::isRegularFile).toList();
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        }
    }
}
