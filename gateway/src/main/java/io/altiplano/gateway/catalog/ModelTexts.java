package io.altiplano.gateway.catalog;

import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** The licence and acceptable use policy that came with a checkpoint: read once at registration, and served from then on. */
@ApplicationScoped
public class ModelTexts {
    /** A licence is some 30 KB; a file far beyond that is something else. */
    private static final long MOST_BYTES = 1 << 20;

    /** What the licence's file may be called, the first that is there counts. */
    static final List<String> LICENCES = List.of("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE");

    private static final List<String> USE_POLICIES = List.of("USE_POLICY.md", "USE_POLICY", "USE_POLICY.txt");

    private final Db db;

    @Inject
    ModelTexts(Db db) {
        this.db = db;
    }

    /**
     * A text as it was imported.
     *
     * @param model whose: the model's own, or that of the nearest model it was made from
     * @param sha256 of its UTF-8, hex
     */
    public record Text(String model, String sha256, String text) {}

    /** Both texts of a model; empty where it came without. */
    public record Texts(Optional<Text> agreement, Optional<Text> usePolicy) {}

    /** The texts that a model stands under, as a tenant that sees the model gets them. */
    public Texts of(String tenantId, String model) {
        return db.tenant(
                tenantId,
                handle -> new Texts(
                        LineageStore.text(handle, model, "licence_sha256"),
                        LineageStore.text(handle, model, "use_policy_sha256")));
    }

    /** The model and all that it was made from as the licence engine takes it; empty where there is no such model. */
    public static List<io.altiplano.licensing.Model> lineage(Handle handle, String model) {
        return LineageStore.lineage(handle, model);
    }

    /** What a directory brings. */
    record Found(@Nullable Text licence, @Nullable Text usePolicy) {
        void keep(Handle operator) {
            keep(operator, licence);
            keep(operator, usePolicy);
        }

        private static void keep(Handle operator, @Nullable Text text) {
            if (text != null) {
                LineageStore.keep(operator, text.sha256(), text.text());
            }
        }

        @Nullable
        String licenceSha256() {
            return licence == null ? null : licence.sha256();
        }

        @Nullable
        String usePolicySha256() {
            return usePolicy == null ? null : usePolicy.sha256();
        }
    }

    /** Reads them. */
    static Found read(String model, Path directory) throws IOException, InvalidCheckpointException {
        return new Found(read(model, directory, LICENCES), read(model, directory, USE_POLICIES));
    }

    private static @Nullable Text read(String model, Path directory, List<String> names)
            throws IOException, InvalidCheckpointException {
        for (String name : names) {
            Path file = directory.resolve(name);
            if (!Files.isRegularFile(file)) {
                continue;
            }
            if (Files.size(file) > MOST_BYTES) {
                throw new InvalidCheckpointException(
                        name + " is larger than 1 MiB; put the text there that came with the checkpoint.");
            }
            byte[] bytes = Files.readAllBytes(file);
            try {
                String text = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString();
                if (text.indexOf('\0') >= 0) {
                    throw new InvalidCheckpointException(name + " holds a NUL; it must be plain text in UTF-8.");
                }
                return new Text(model, sha256(bytes), text);
            } catch (CharacterCodingException e) {
                throw new InvalidCheckpointException(name + " is not UTF-8; it must be plain text in UTF-8.");
            }
        }
        return null;
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
