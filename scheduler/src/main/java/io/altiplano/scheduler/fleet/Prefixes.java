package io.altiplano.scheduler.fleet;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.List;

/**
 * A prompt's full 16-token prefixes, shortest first, or a worker's cached ones, sorted: the first 8 bytes of each hash. Enough
 * for a guess; the worker compares whole hashes.
 */
public final class Prefixes {
    /** No prefixes. */
    public static final Prefixes NONE = new Prefixes(new long[0]);

    /** Longer prompts are known by their beginning. */
    private static final int MOST = 1_024;

    private final long[] hashes;

    private Prefixes(long[] hashes) {
        this.hashes = hashes;
    }

    /** A submission's hashes, in order; shorter ones than 8 bytes end the list. */
    public static Prefixes ofHashes(List<ByteString> hashes) {
        if (hashes.isEmpty()) {
            return NONE;
        }
        long[] heads = new long[Math.min(hashes.size(), MOST)];
        for (int i = 0; i < heads.length; i++) {
            ByteString hash = hashes.get(i);
            if (hash.size() < Long.BYTES) {
                return new Prefixes(Arrays.copyOf(heads, i));
            }
            for (int b = 0; b < Long.BYTES; b++) {
                heads[i] = heads[i] << 8 | hash.byteAt(b) & 0xFF;
            }
        }
        return new Prefixes(heads);
    }

    /** A heartbeat's digest, in any order. */
    public static Prefixes ofDigest(List<Long> digest) {
        if (digest.isEmpty()) {
            return NONE;
        }
        return new Prefixes(digest.stream().mapToLong(Long::longValue).sorted().toArray());
    }

    /**
     * How many of a prompt's prefixes this digest holds. A block's predecessors are cached with it, so the longest match is
     * found by halving.
     */
    public int matches(Prefixes prompt) {
        int low = 0;
        int high = hashes.length == 0 ? 0 : prompt.hashes.length;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (Arrays.binarySearch(hashes, prompt.hashes[middle - 1]) >= 0) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}
