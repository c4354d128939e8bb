package io.altiplano.worker.kernel.cpu;

import java.lang.foreign.MemorySegment;

/** How one thread reaches what the machine can do at most. The results only keep the work from being left out. */
public interface LimitProbe {
    /** Reads all of it. */
    long read(MemorySegment memory);

    /** Multiplies and adds in as many independent chains as hide the latency. */
    float multiply(int steps);

    /** Operations of a step of {@link #multiply}; a fused multiply-add is two. */
    int operations();
}
