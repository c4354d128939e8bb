package io.altiplano.gateway.audit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads files of checkpoints, one a gateway or one that they share, and holds each line against its signature and the line
 * before it.
 */
final class CheckpointReader {
    private final PublicKeys keys;
    private final List<SignedCheckpoint> checkpoints = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private @Nullable AuditFault fault;

    CheckpointReader(PublicKeys keys) {
        this.keys = keys;
    }

    /**
     * Reads a file, up to its first fault.
     *
     * @throws CheckpointException it is not there, or holds no checkpoint: that proves nothing, and is no pass
     */
    void read(Path file) {
        String text;
        try {
            text = Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(
                    "There is no file of checkpoints " + file
                            + ", and without one a log that was written anew cannot be told"
                            + " from a true one: name it with --checkpoints, or restore it from its copy.",
                    e);
        } catch (IOException e) {
            throw new CheckpointException("The checkpoints " + file + " cannot be read: " + e.getMessage(), e);
        }
        int end = text.lastIndexOf('\n') + 1;
        if (end < text.length()) {
            notes.add("The last line of " + file + " is not whole, as a crash leaves it; it is left out.");
        }
        List<String> lines = text.substring(0, end).lines().toList();
        if (lines.isEmpty()) {
            throw new CheckpointException("The file " + file
                    + " holds no checkpoint, so nothing is proven: a gateway with altiplano.audit.checkpoints writes one within"
                    + " seconds; if it had some, restore it from its copy.");
        }
        check(file, lines);
    }

    private void check(Path file, List<String> lines) {
        String previous = SignedCheckpoint.NO_PREVIOUS;
        long seq = 0;
        for (int i = 0; i < lines.size() && fault == null; i++) {
            String place = "line " + (i + 1) + " of " + file;
            SignedCheckpoint checkpoint = SignedCheckpoint.parse(lines.get(i)).orElse(null);
            if (checkpoint == null) {
                fault = fault(AuditFault.Code.CHECKPOINT_UNREADABLE, place + " is no checkpoint");
            } else if (!keys.knows(checkpoint)) {
                fault = fault(
                        AuditFault.Code.KEY_UNKNOWN,
                        place + " is signed with the key " + checkpoint.key() + ", which is none of "
                                + String.join(", ", keys.ids()));
            } else if (!keys.signed(checkpoint)) {
                fault = fault(AuditFault.Code.CHECKPOINT_FORGED, place + " is not signed with the key that it names");
            } else if (!checkpoint.previous().equals(previous) || checkpoint.seq() <= seq) {
                fault = fault(AuditFault.Code.CHECKPOINT_ORDER, place + " does not follow the line before it");
            } else {
                checkpoints.add(checkpoint);
                previous = SignedCheckpoint.hashOf(lines.get(i));
                seq = checkpoint.seq();
            }
        }
    }

    /** Requires that a row, or a later one, was signed. */
    void requireReach(long seq) {
        long last = checkpoints.stream().mapToLong(SignedCheckpoint::seq).max().orElse(0);
        if (fault == null && last < seq) {
            fault = fault(
                    AuditFault.Code.CHECKPOINTS_CUT,
                    "the checkpoints end at row " + last + ", but row " + seq + " is known to have been signed");
        }
    }

    /** The checkpoints that hold, by row. */
    List<SignedCheckpoint> checkpoints() {
        return checkpoints.stream()
                .sorted(Comparator.comparingLong(SignedCheckpoint::seq))
                .toList();
    }

    List<String> notes() {
        return List.copyOf(notes);
    }

    /** The first thing that is wrong, or null. */
    @Nullable
    AuditFault fault() {
        return fault;
    }

    private static AuditFault fault(AuditFault.Code code, String message) {
        return new AuditFault(0, code, message);
    }
}
