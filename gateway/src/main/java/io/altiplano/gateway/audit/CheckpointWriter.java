package io.altiplano.gateway.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Signs the log's head into a file. Before it signs it recomputes every row behind the last checkpoint of the file, which it
 * takes only with a signature that holds; so no checkpoint vouches for rows that no gateway verified. The file stays locked
 * meanwhile: of several writers one signs, and the others find it done.
 */
final class CheckpointWriter {
    private static final int PAGE = 500;

    private final ChainSource source;
    private final Path file;
    private final PrivateKey key;
    private final PublicKeys known;
    private final String keyId;
    private final Clock clock;

    /** What a round came to. */
    sealed interface Outcome {
        /** A checkpoint of this row was written. */
        record Signed(long seq) implements Outcome {}

        /** The last checkpoint is of the head, or another writer is at it. */
        record Nothing() implements Outcome {}

        /** The log is not as it was signed or chained; nothing is signed any more. */
        record Refused(AuditFault fault) implements Outcome {}
    }

    /**
     * A writer.
     *
     * @param file made at the first checkpoint; its folder too
     * @param publicKey the private key's other half first, then, if there were, those of earlier checkpoints
     * @throws CheckpointException a key cannot be used, or the two are no pair
     */
    CheckpointWriter(ChainSource source, Path file, Path privateKey, Path publicKey, Clock clock) {
        this.source = source;
        this.file = file;
        this.key = PublicKeys.readPrivate(privateKey);
        this.known = PublicKeys.read(List.of(publicKey));
        this.clock = clock;
        // Ed25519 in the JDK tells no public key from a private one: the one that verifies is it.
        this.keyId = known.ids().stream()
                .filter(id -> known.signed(sign(1, SignedCheckpoint.NO_PREVIOUS, id, SignedCheckpoint.NO_PREVIOUS)))
                .findFirst()
                .orElseThrow(() -> new CheckpointException("None of the public keys in " + publicKey
                        + " belongs to the private key " + privateKey + ": add it."));
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            throw new CheckpointException("The folder of " + file + " cannot be made: " + e.getMessage(), e);
        }
    }

    /** Signs the head if it has moved since the last checkpoint. */
    Outcome round() throws IOException {
        ChainSource.Head head = source.head();
        Optional<CheckpointFile> mine = head.seq() == 0 ? Optional.empty() : CheckpointFile.open(file);
        if (mine.isEmpty()) {
            return new Outcome.Nothing();
        }
        try (CheckpointFile locked = mine.get()) {
            String line = locked.lastLine();
            if (line.isEmpty()) {
                return follow(locked, AuditChain.fromTheStart(), SignedCheckpoint.NO_PREVIOUS);
            }
            SignedCheckpoint last = SignedCheckpoint.parse(line).orElse(null);
            if (last == null || !known.signed(last)) {
                return refused(
                        0, AuditFault.Code.CHECKPOINT_FORGED, "the last line of " + file + " is no signed checkpoint");
            }
            byte[] hash = HexFormat.of().parseHex(last.hash());
            return follow(locked, AuditChain.after(last.seq(), hash), SignedCheckpoint.hashOf(line));
        }
    }

    private Outcome follow(CheckpointFile locked, AuditChain chain, String previous) throws IOException {
        // Read again under the lock: another writer may have signed a later one than was seen before it.
        ChainSource.Head head = source.head();
        if (head.seq() < chain.seq()) {
            return refused(
                    head.seq() + 1,
                    AuditFault.Code.LOG_CUT,
                    "the log ends at row " + head.seq() + ", but row " + chain.seq() + " was signed");
        }
        long signed = chain.seq();
        while (chain.seq() < head.seq()) {
            List<AuditRow> rows = source.after(chain.seq(), (int) Math.min(PAGE, head.seq() - chain.seq()));
            if (rows.isEmpty()) {
                return refused(
                        chain.seq() + 1,
                        AuditFault.Code.HEAD_DIFFERS,
                        "the log ends at row " + chain.seq() + ", but its head is row " + head.seq());
            }
            for (AuditRow row : rows) {
                Optional<AuditFault> fault = chain.next(row);
                if (fault.isPresent()) {
                    return new Outcome.Refused(fault.get());
                }
            }
        }
        if (!Arrays.equals(chain.head(), head.hash())) {
            return refused(
                    head.seq(),
                    AuditFault.Code.HEAD_DIFFERS,
                    "row " + head.seq() + " is not the head that is noted for it");
        }
        if (head.seq() == signed) {
            return new Outcome.Nothing();
        }
        locked.append(sign(head.seq(), HexFormat.of().formatHex(head.hash()), keyId, previous)
                .line());
        return new Outcome.Signed(head.seq());
    }

    private SignedCheckpoint sign(long seq, String hash, String id, String previous) {
        String at = clock.instant().truncatedTo(ChronoUnit.MILLIS).toString();
        SignedCheckpoint unsigned = new SignedCheckpoint(seq, hash, at, id, previous, "");
        try {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initSign(key);
            ed25519.update(unsigned.canonical());
            String signature = Base64.getEncoder().encodeToString(ed25519.sign());
            return new SignedCheckpoint(seq, hash, at, id, previous, signature);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java signs with Ed25519", e);
        }
    }

    private static Outcome refused(long row, AuditFault.Code code, String message) {
        return new Outcome.Refused(new AuditFault(row, code, message));
    }
}
