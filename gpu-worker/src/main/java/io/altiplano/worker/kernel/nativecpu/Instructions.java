package io.altiplano.worker.kernel.nativecpu;

/** What FP8 weights are widened and multiplied with. The bits are the same; which is fastest depends on the processor. */
enum Instructions {
    /** Widened by shifts, F32 multiply-adds. */
    AVX512(2, 1),
    /** Widened by tables, F32 multiply-adds. */
    AVX512_VBMI(3, 1 | 2),
    /** Widened by tables, BF16 products of two columns. */
    AVX512_BF16(4, 1 | 2 | 4);

    /** The type's code in the native functions. */
    final int code;
    /** What {@code altiplano_missing} must not say. */
    final int needs;

    Instructions(int code, int needs) {
        this.code = code;
        this.needs = needs;
    }
}
