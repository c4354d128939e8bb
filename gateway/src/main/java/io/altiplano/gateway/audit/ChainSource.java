package io.altiplano.gateway.audit;

import java.util.List;

/** Where the chain is read from: the gateway's own database, or the one that an operator names. */
interface ChainSource {
    /**
     * What the database notes as the last row.
     *
     * @param hash 32 bytes
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Head(long seq, byte[] hash) {}

    /** The head as it is noted now. */
    Head head();

    /** At most {@code most} rows after a number, ascending. */
    List<AuditRow> after(long seq, int most);

    /** How many rows there are. */
    long count();
}
