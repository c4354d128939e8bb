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
 * The folder that gateways and workers read models from, one checkpoint folder a catalog id: Hugging Face's files, or one GGUF file.
 *
 * @param folder the store
 */
public record ModelStore(Path folder) {
    private static final String GGUF = ".gguf";
    private static final Pattern TEXT = Pattern.compile("(LICEN[SC]E|USE_POLICY|NOTICE)(\\.(txt|md))?");
    private static final Pattern ID = Pattern.compile("[a-z0-9][a-z0-9._-]{0,95}");

    /**
     * Copies a checkpoint's files into the store unless that id is there; true if it was copied.
     *
     * @param checkpoint a folder, or a GGUF file, with which the licence's texts beside it are copied
     * @throws InfraException if the id is not one or it is no checkpoint, naming what is missing
     */
    public boolean add(String id, Path checkpoint) {
        if (!ID.matcher(id).matches()) {
            throw new InfraException("model id '" + id + "': lower case letters, digits, '.', '_' and '-', at most 96");
        }
        Path target = folder.resolve(id);
        if (Files.exists(target)) {
            return false;
        }
        Path partial = folder.resolve("." + id + ".partial");
        try {
            delete(partial);
            Files.createDirectories(partial);
            for (Path file : files(checkpoint)) {
                Files.copy(file, partial.resolve(file.getFileName()));
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
        boolean single = Files.isRegularFile(checkpoint);
        if (single && !checkpoint.toString().endsWith(GGUF)) {
            throw new InfraException(checkpoint + " is neither a checkpoint folder nor a *.gguf file");
        }
        Path in = single ? checkpoint.toAbsolutePath().getParent() : checkpoint;
        if (in == null || !Files.isDirectory(in)) {
            throw new InfraException(checkpoint + " is not there");
        }
        try (Stream<Path> all = Files.list(in)) {
            List<Path> found = all.filter(Files::isRegularFile)
                    .filter(file -> !single || file.getFileName().equals(checkpoint.getFileName()) || isText(file))
                    .toList();
            requireCheckpoint(checkpoint, found);
            return found;
        }
    }

    private static boolean isText(Path file) {
        return TEXT.matcher(file.getFileName().toString()).matches();
    }

    private static void requireCheckpoint(Path checkpoint, List<Path> files) {
        List<String> names = files.stream().map(f -> f.getFileName().toString()).toList();
        if (!names.contains("config.json")
                && names.stream().filter(n -> n.endsWith(GGUF)).count() == 1) {
            return;
        }
        if (!names.contains("config.json")) {
            throw new InfraException(
                    checkpoint + " is no checkpoint folder: it has neither a config.json nor just one *.gguf file");
        }
        if (!names.contains("tokenizer.json") && !names.contains("tokenizer.model")) {
            throw new InfraException(checkpoint + " has no tokenizer.json or tokenizer.model");
        }
        if (names.stream().noneMatch(n -> n.endsWith(".safetensors"))) {
            throw new InfraException(checkpoint + " has no *.safetensors: of Hugging Face's formats only that is read");
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
