package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.cpu.LimitProbe;
import java.lang.foreign.MemorySegment;

/** Reads with prefetches; multiplies by F32 multiply-adds, or by BF16 products where those are used. */
record NativeProbe(NativeLibrary library, boolean bf16) implements LimitProbe {
    private static final int CHAINS = 24;
    private static final int LANES = 16;

    @Override
    public long read(MemorySegment memory) {
        try {
            return (long) library.limitRead.invokeExact(memory, memory.byteSize());
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float multiply(int steps) {
        try {
            if (bf16) {
                library.limitDp.invokeExact((long) steps);
            } else {
                library.limitFma.invokeExact((long) steps);
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        return 0;
    }

    @Override
    public int operations() {
        return CHAINS * LANES * (bf16 ? 4 : 2);
    }
}
