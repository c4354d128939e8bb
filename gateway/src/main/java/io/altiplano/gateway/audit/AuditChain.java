package io.altiplano.gateway.audit;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Optional;

/**
 * Recomputes the log's chain from its rows, apart from the database that made it. A row's hash is SHA-256 over the hash
 * before it and the row's fields as netstrings (UTF-8 length, ':', text, ','), so an edited, inserted, removed, reordered or
 * restamped row breaks the chain there. Whoever can write the whole table can also make the hashes anew: that is seen only
 * against what was noted outside the database ({@link AuditVerifier}).
 *
 * <p>Version 1 covers seq, time, actor, action, tenant, subject, detail. Version 2 covers the version, then the same with the
 * actor's OIDC subject behind the actor. Versions never go down.
 */
public final class AuditChain {
    private static final int NEWEST = 2;

    private long seq;
    private byte[] head;
    private int version = 1;

    private AuditChain(long seq, byte[] head) {
        this.seq = seq;
        this.head = head.clone();
    }

    /** The chain from before its first row on: number 0, and 32 zero bytes. */
    public static AuditChain fromTheStart() {
        return new AuditChain(0, new byte[32]);
    }

    /** The chain from behind a row whose hash, 32 bytes, is trusted. */
    public static AuditChain after(long seq, byte[] hash) {
        return new AuditChain(seq, hash);
    }

    /** Takes the next row; what is wrong with it, or nothing if it continues the chain. */
    public Optional<AuditFault> next(AuditRow row) {
        if (row.seq() != seq + 1) {
            return fault(
                    row.seq() > seq ? seq + 1 : row.seq(),
                    AuditFault.Code.ROW_MISSING,
                    "behind row " + seq + " comes row " + row.seq() + ": rows were removed, inserted or reordered");
        }
        if (!Arrays.equals(row.prevHash(), head)) {
            return fault(row.seq(), AuditFault.Code.CHAIN_BROKEN, "row " + row.seq() + " does not continue row " + seq);
        }
        if (row.version() < version || row.version() > NEWEST) {
            return fault(
                    row.seq(),
                    AuditFault.Code.VERSION_UNKNOWN,
                    "row " + row.seq() + " is of version " + row.version() + " behind one of version " + version
                            + "; this program knows versions up to " + NEWEST);
        }
        boolean uncovered = row.version() == 1 && !row.actorSubject().isEmpty();
        if (uncovered || "".equals(row.tenantId()) || !Arrays.equals(row.hash(), hash(row))) {
            return fault(row.seq(), AuditFault.Code.ROW_CHANGED, "row " + row.seq() + " is not what was written");
        }
        seq = row.seq();
        head = row.hash().clone();
        version = row.version();
        return Optional.empty();
    }

    /** The number of the last row that held, 0 before the first. */
    public long seq() {
        return seq;
    }

    /** The last hash that held, 32 bytes. */
    public byte[] head() {
        return head.clone();
    }

    private static Optional<AuditFault> fault(long row, AuditFault.Code code, String message) {
        return Optional.of(new AuditFault(row, code, message));
    }

    private static byte[] hash(AuditRow row) {
        long micros = Math.addExact(
                Math.multiplyExact(row.at().getEpochSecond(), 1_000_000L),
                row.at().getNano() / 1000);
        MessageDigest sha256 = sha256();
        sha256.update(row.prevHash());
        if (row.version() > 1) {
            netstring(sha256, Integer.toString(row.version()));
        }
        netstring(sha256, Long.toString(row.seq()));
        netstring(sha256, Long.toString(micros));
        netstring(sha256, row.actor());
        if (row.version() > 1) {
            netstring(sha256, row.actorSubject());
        }
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

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
