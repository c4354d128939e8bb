package io.altiplano.worker.sampling;

/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): noise as a function of a key and
 * a counter, so that the noise at a position does not depend on what was drawn before it.
 */
final class Philox {
    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private Philox() {}

    /** The noise of a position in an answer: 64 bits, from the block (position, choice, 0, 0) under the seed as key. */
    static long bits(long seed, int position, int choice) {
        int[] block = block(new int[] {position, choice, 0, 0}, (int) seed, (int) (seed >>> 32));
        return (block[0] & 0xffffffffL) | ((long) block[1] << 32);
    }

    /** One block of 4 words. */
    static int[] block(int[] counter, int key0, int key1) {
        int c0 = counter[0];
        int c1 = counter[1];
        int c2 = counter[2];
        int c3 = counter[3];
        int k0 = key0;
        int k1 = key1;
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = (MULTIPLIER_0 & 0xffffffffL) * (c0 & 0xffffffffL);
            long p1 = (MULTIPLIER_1 & 0xffffffffL) * (c2 & 0xffffffffL);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        return new int[] {c0, c1, c2, c3};
    }
}
