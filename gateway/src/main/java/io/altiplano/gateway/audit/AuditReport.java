package io.altiplano.gateway.audit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a verification found.
 *
 * @param rows how many rows, from the first, hold
 * @param head the last hash that holds, 64 hexadecimal digits
 * @param checkpoints how many checkpoints of how the log was were found in it
 * @param proven the last of them: up to its row nothing was changed since it was signed; null if there is none
 * @param notes what is worth knowing and no fault
 * @param fault the first thing that is wrong; null if the log holds
 */
public record AuditReport(
        long rows,
        String head,
        int checkpoints,
        @Nullable SignedCheckpoint proven,
        List<String> notes,
        @Nullable AuditFault fault) {

    /** Rows behind the last checkpoint: chained to it, but whoever owns the database could write them anew unseen. */
    public long unproven() {
        SignedCheckpoint last = proven;
        return rows - (last == null ? 0 : last.seq());
    }
}
