package io.altiplano.gateway.audit;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Recomputes the log's chain from its rows, apart from the database that made it. A row's hash is SHA-256 over the hash
 * before it and the row's fields as netstrings (UTF-8 length, ':', text, ','), so an edited, inserted, removed, reordered or
 * restamped row breaks the chain there. Rows cut off the end are seen only against a head that was noted before: the
 * database keeps one, and whoever does not trust it notes one elsewhere.
 */
public final class AuditChain {
    private final long notedSeq;
    private final byte[] notedHead;
    private long seq;
    private byte[] head = new byte[32];

    /**
     * A chain to verify from its first row.
     *
     * @param notedSeq the number of a row that must be there, 0 for none
     * @param notedHead that row's hash, 32 bytes
     */
    public AuditChain(long notedSeq, byte[] notedHead) {
        this.notedSeq = notedSeq;
        this.notedHead = notedHead.clone();
    }

    /** Goes on over rows in ascending order; the first fault found, in words, or nothing if the chain holds. */
    public Optional<String> verify(List<AuditRow> rows) {
        for (AuditRow row : rows) {
            if (row.seq() != seq + 1) {
                return Optional.of("after row " + seq + " comes row " + row.seq() + ": rows are missing or reordered");
            }
            if (!Arrays.equals(row.prevHash(), head)) {
                return Optional.of("row " + row.seq() + " does not continue row " + seq);
            }
            if (!Arrays.equals(row.hash(), hash(row))) {
                return Optional.of("row " + row.seq() + " is not what was written");
            }
            if (row.seq() == notedSeq && !Arrays.equals(row.hash(), notedHead)) {
                return Optional.of(
                        "row " + row.seq() + " has another hash than was noted: rows before it were written anew");
            }
            seq = row.seq();
            head = row.hash().clone();
        }
        return Optional.empty();
    }

    /** The fault that shows only when there are no more rows, if there is one. */
    public Optional<String> end() {
        return seq < notedSeq
                ? Optional.of("the log ends at row " + seq + ", but row " + notedSeq + " was noted")
                : Optional.empty();
    }

    /** The number of the last row verified. */
    public long seq() {
        return seq;
    }

    private static byte[] hash(AuditRow row) {
        long micros = Math.addExact(
                Math.multiplyExact(row.at().getEpochSecond(), 1_000_000L),
                row.at().getNano() / 1000);
        MessageDigest sha256 = sha256();
        sha256.update(row.prevHash());
        netstring(sha256, Long.toString(row.seq()));
        netstring(sha256, Long.toString(micros));
        netstring(sha256, row.actor());
        netstring(sha256, row.action());
        netstring(sha256, row.tenantId() == null ? "" : row.tenantId());
        netstring(sha256, row.subject());
        netstring(sha256, row.detail());
        return sha256.digest();
    }

    private static void netstring(MessageDigest digest, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        digest.update((utf8.length + ":").getBytes(StandardCharsets.US_ASCII));
        digest.update(utf8);
        digest.update((byte) ',');
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
