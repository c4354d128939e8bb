package io.altiplano.gateway.audit;

/**
 * What is wrong with the log or with its checkpoints.
 *
 * @param row number of the first row that is not as it was; 0 where no row is at fault but a file of checkpoints
 * @param code what kind
 * @param message what was found, for a person
 */
public record AuditFault(long row, Code code, String message) {
    private static final String KEEP = "Leave the database as it is and copy it. ";

    /** Kinds, each with what to do about it. */
    public enum Code {
        /** A number is not there, or not in its place. */
        ROW_MISSING(KEEP + "Restore a backup from before beside it and compare the rows from this one on."),
        /** A row's previous hash is not the hash of the row before it. */
        CHAIN_BROKEN(KEEP + "Restore a backup from before beside it and compare this row and the one before."),
        /** A row's hash is not the hash of what it says. */
        ROW_CHANGED(KEEP + "Restore a backup from before beside it and compare this row."),
        /** A row follows a rule that is not known, or an older one than the row before it. */
        VERSION_UNKNOWN(
                "Verify with the release that the gateways run; if it is that one, somebody wrote the row by hand."),
        /** The head that the database notes is not the last row. */
        HEAD_DIFFERS(KEEP + "Rows were removed from the end or put there past the chain; compare with a backup."),
        /** The chain holds, and is another one than was signed. */
        REWRITTEN(KEEP + "Restore a backup from before beside it and compare the rows in that span."),
        /** The log ends before a row that was signed. */
        LOG_CUT(
                KEEP
                        + "If a backup was restored, the rows behind its last one are lost, and docs/audit.md says how to go on."),
        /** A checkpoint's signature is not that of its key. */
        CHECKPOINT_FORGED("Compare the file with a copy of it; whoever wrote this line does not have the signing key."),
        /** A checkpoint is signed with a key that is not trusted here. */
        KEY_UNKNOWN("If the key was changed, give every public key with --public-key; else the line is forged."),
        /** A line is no checkpoint. */
        CHECKPOINT_UNREADABLE("Compare the file with a copy of it."),
        /** A checkpoint does not follow the one before it. */
        CHECKPOINT_ORDER("Lines were removed, inserted or reordered: compare the file with a copy of it."),
        /** The checkpoints end before the row that they are known to reach. */
        CHECKPOINTS_CUT("Lines were removed from the end, or this is another file: compare it with a copy.");

        private final String remedy;

        Code(String remedy) {
            this.remedy = remedy;
        }

        /** What to do next. */
        public String remedy() {
            return remedy;
        }

        /** For programs, e.g. "row_changed". */
        public String text() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }
}
