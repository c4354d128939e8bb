package io.altiplano.worker.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.worker.tensor.E4m3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whichever way a processor widens E4M3, by shifts or by tables, the numbers are E4M3's and the sums the same. */
class F8WideningTest {
    private static final int COLUMNS = 256;
    private static final int PANEL_BYTES = COLUMNS * PanelMatrix.PANEL;

    /** Four panels, every code but NaN's in each. */
    private static MemorySegment panels(Arena arena) {
        MemorySegment panels = arena.allocate(4 * PANEL_BYTES, 64);
        for (int i = 0; i < 4 * PANEL_BYTES; i++) {
            int code = i * 37 % 256;
            panels.set(ValueLayout.JAVA_BYTE, i, (byte) ((code & 0x7f) == 0x7f ? code ^ 1 : code));
        }
        return panels;
    }

    @Test
    void every_code_is_widened_to_its_number_and_none_to_a_subnormal() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment panels = panels(arena);
            float[] byShifts = new float[PANEL_BYTES];
            for (int half = 0; half < 16; half += Lanes.L) {
                F8Shifts.decode(panels, 4L * half, COLUMNS, byShifts, half);
            }
            for (int k = 0; k < COLUMNS; k++) {
                for (int n = 0; n < PanelMatrix.PANEL; n++) {
                    long at = k / 2 * 64L + 4 * (n % 16) + 2 * (n / 16) + (k % 2 == 0 ? 1 : 0);
                    float expected = E4m3.decode(panels.get(ValueLayout.JAVA_BYTE, at));
                    float actual = byShifts[k * PanelMatrix.PANEL + n];
                    assertThat(Float.floatToRawIntBits(actual)).isEqualTo(Float.floatToRawIntBits(expected));
                    assertThat(actual == 0 || Math.abs(actual) >= Float.MIN_NORMAL)
                            .isTrue();
                }
            }
            if (F8Tables.USABLE) {
                float[] byTables = new float[PANEL_BYTES];
                F8Tables.decode(panels, 0, COLUMNS, byTables);
                assertThat(byTables).isEqualTo(byShifts);
            }
        }
    }

    @Test
    void one_row_has_the_chains_of_fused_multiply_adds() {
        SplittableRandom random = new SplittableRandom(6);
        float[] x = new float[COLUMNS];
        for (int k = 0; k < COLUMNS; k++) {
            x[k] = E4m3.round((float) random.nextGaussian());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment panels = panels(arena);
            float[] expected = new float[4 * PanelMatrix.PANEL];
            for (int p = 0; p < 4; p++) {
                float[] wide = new float[PANEL_BYTES];
                for (int half = 0; half < 16; half += Lanes.L) {
                    F8Shifts.decode(panels, p * (long) PANEL_BYTES + 4L * half, COLUMNS, wide, half);
                }
                for (int k = 0; k < COLUMNS; k++) {
                    for (int n = 0; n < PanelMatrix.PANEL; n++) {
                        int to = p * PanelMatrix.PANEL + n;
                        expected[to] = Math.fma(wide[k * PanelMatrix.PANEL + n], x[k], expected[to]);
                    }
                }
            }
            float[] byShifts = new float[expected.length];
            F8Shifts.gemv(panels, 0, PANEL_BYTES, 2 * PANEL_BYTES, 3 * PANEL_BYTES, COLUMNS, x, 0, byShifts, 0);
            assertThat(byShifts).isEqualTo(expected);
            if (F8Tables.USABLE) {
                float[] byTables = new float[expected.length];
                F8Tables.gemv(panels, 0, PANEL_BYTES, 2 * PANEL_BYTES, 3 * PANEL_BYTES, COLUMNS, x, 0, byTables, 0);
                assertThat(byTables).isEqualTo(expected);
            }
        }
    }
}
