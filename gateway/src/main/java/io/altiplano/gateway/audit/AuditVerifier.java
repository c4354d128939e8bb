package io.altiplano.gateway.audit;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Walks the whole log, row by row, and holds it against three things: its own chain, the head that the database notes, and
 * checkpoints that were signed outside the database.
 *
 * <p>The chain shows what was changed by somebody who did not make the hashes behind it anew. Whoever owns the database can do
 * that, to the head too; then a checkpoint's hash is not in the log any more. So what is proven ends at the last checkpoint.
 */
final class AuditVerifier {
    private static final int PAGE = 1000;

    private final ChainSource source;
    private final List<SignedCheckpoint> checkpoints;
    private final AuditChain chain = AuditChain.fromTheStart();
    private int met;
    private @Nullable SignedCheckpoint proven;

    /**
     * For one walk.
     *
     * @param checkpoints whose signatures hold, in ascending order of their rows; read before the source was opened, as a log that
     *     is read first may end before them
     */
    AuditVerifier(ChainSource source, List<SignedCheckpoint> checkpoints) {
        this.source = source;
        this.checkpoints = checkpoints;
    }

    /** Verifies; {@code progress} is told the number of rows so far, now and then. */
    AuditReport verify(LongConsumer progress) {
        AuditFault fault = walk(progress);
        return new AuditReport(chain.seq(), HexFormat.of().formatHex(chain.head()), met, proven, List.of(), fault);
    }

    private @Nullable AuditFault walk(LongConsumer progress) {
        ChainSource.Head before = source.head();
        // From below every number: a row of a number that no row has is one too many.
        long from = Long.MIN_VALUE;
        List<AuditRow> rows;
        do {
            rows = source.after(from, PAGE);
            for (AuditRow row : rows) {
                AuditFault fault = take(row, before);
                if (fault != null) {
                    return fault;
                }
            }
            from = rows.isEmpty() ? from : rows.getLast().seq();
            progress.accept(chain.seq());
        } while (rows.size() == PAGE);
        return atTheEnd(before);
    }

    private @Nullable AuditFault take(AuditRow row, ChainSource.Head head) {
        AuditFault fault = chain.next(row).orElse(null);
        if (fault == null && row.seq() == head.seq() && !Arrays.equals(row.hash(), head.hash())) {
            fault = new AuditFault(
                    row.seq(),
                    AuditFault.Code.HEAD_DIFFERS,
                    "row " + row.seq() + " is not the head that is noted for it");
        }
        while (fault == null && met < checkpoints.size() && checkpoints.get(met).seq() == row.seq()) {
            SignedCheckpoint checkpoint = checkpoints.get(met);
            if (!checkpoint.hash().equals(HexFormat.of().formatHex(row.hash()))) {
                return rewritten(checkpoint);
            }
            proven = checkpoint;
            met++;
        }
        return fault;
    }

    private AuditFault rewritten(SignedCheckpoint checkpoint) {
        SignedCheckpoint last = proven;
        long first = last == null ? 1 : last.seq() + 1;
        return new AuditFault(
                first,
                AuditFault.Code.REWRITTEN,
                "row " + checkpoint.seq() + " is not the one that was signed at " + checkpoint.at()
                        + ": between row " + first
                        + " and it a row was changed, removed, inserted or moved, and every hash"
                        + " behind was made anew");
    }

    private @Nullable AuditFault atTheEnd(ChainSource.Head before) {
        long count = source.count();
        // A log that is written to meanwhile has its head behind the last row that was read, never before it.
        ChainSource.Head after = source.head();
        if (chain.seq() < before.seq()) {
            return new AuditFault(
                    chain.seq() + 1,
                    AuditFault.Code.HEAD_DIFFERS,
                    "the log ends at row " + chain.seq() + ", but its head is row " + before.seq());
        }
        if (chain.seq() > after.seq() || (before.seq() == 0 && !Arrays.equals(before.hash(), new byte[32]))) {
            return new AuditFault(
                    after.seq() + 1,
                    AuditFault.Code.HEAD_DIFFERS,
                    "there are rows up to " + chain.seq() + ", but the head is row " + after.seq());
        }
        if (met < checkpoints.size()) {
            SignedCheckpoint next = checkpoints.get(met);
            return new AuditFault(
                    chain.seq() + 1,
                    AuditFault.Code.LOG_CUT,
                    "the log ends at row " + chain.seq() + ", but row " + next.seq() + " was signed at " + next.at());
        }
        if (count < chain.seq() || count > after.seq()) {
            return new AuditFault(
                    0,
                    AuditFault.Code.ROW_MISSING,
                    "the rows are numbered to " + chain.seq() + " and there are " + count + " of them");
        }
        return null;
    }
}
