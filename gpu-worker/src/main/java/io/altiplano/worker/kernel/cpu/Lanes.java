package io.altiplano.worker.kernel.cpu;

import io.altiplano.worker.kernel.ReductionOrder;
import io.altiplano.worker.kernel.ReductionOrder.Exp;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The machine's vectors, at most 512 bits: {@link #L} floats. Every kernel is written for any L that divides 16, and no result
 * depends on it, as a lane never meets its neighbour.
 */
final class Lanes {
    static final VectorSpecies<Float> F = widest();
    static final VectorSpecies<Integer> I = F.withLanes(int.class);
    static final VectorSpecies<Short> S = F.withLanes(short.class);
    static final VectorSpecies<Byte> B = F.withLanes(byte.class);
    /** Floats in a vector. */
    static final int L = F.length();

    private Lanes() {}

    private static VectorSpecies<Float> widest() {
        int bits = FloatVector.SPECIES_PREFERRED.vectorBitSize();
        if (bits >= 512) {
            return FloatVector.SPECIES_512;
        }
        return bits == 256 ? FloatVector.SPECIES_256 : FloatVector.SPECIES_128;
    }

    /** {@link ReductionOrder#exp} in every lane. */
    static FloatVector exp(FloatVector argument) {
        FloatVector x = argument.min(ReductionOrder.EXP_MAX);
        FloatVector shifted = x.mul(Exp.LOG2_E).add(Exp.ROUNDER);
        FloatVector minusN = shifted.sub(Exp.ROUNDER).neg();
        FloatVector r = minusN.fma(
                FloatVector.broadcast(F, Exp.LN2_LOW), minusN.fma(FloatVector.broadcast(F, Exp.LN2_HIGH), x));
        FloatVector p = FloatVector.broadcast(F, Exp.P0);
        p = p.fma(r, FloatVector.broadcast(F, Exp.P1));
        p = p.fma(r, FloatVector.broadcast(F, Exp.P2));
        p = p.fma(r, FloatVector.broadcast(F, Exp.P3));
        p = p.fma(r, FloatVector.broadcast(F, Exp.P4));
        p = p.fma(r, FloatVector.broadcast(F, Exp.P5));
        p = p.fma(r.mul(r), r).add(1f);
        IntVector exponent = shifted.reinterpretAsInts().sub(Exp.ROUNDER_BITS).add(127);
        FloatVector power = exponent.lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        return p.mul(power).blend(0f, argument.lt(ReductionOrder.EXP_MIN));
    }
}
