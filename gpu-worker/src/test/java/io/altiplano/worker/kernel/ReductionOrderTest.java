package io.altiplano.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import org.junit.jupiter.api.Test;

class ReductionOrderTest {
    @Property
    void expIsWithinItsBoundOfTheTrueValue(@ForAll @FloatRange(min = -86.9f, max = 88f) float x) {
        double exact = StrictMath.exp(x);
        assertThat(Math.abs(ReductionOrder.exp(x) - exact)).isLessThanOrEqualTo(exact * 0x1p-22);
    }

    @Test
    void expKeepsItsFixedPoints() {
        assertThat(ReductionOrder.exp(0f)).isEqualTo(1f);
        assertThat(ReductionOrder.exp(-0f)).isEqualTo(1f);
        assertThat(ReductionOrder.exp(-87.1f)).isEqualTo(0f);
        assertThat(ReductionOrder.exp(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
        assertThat(ReductionOrder.exp(Float.POSITIVE_INFINITY)).isFinite().isEqualTo(ReductionOrder.exp(88f));
        assertThat(ReductionOrder.exp(Float.NaN)).isNaN();
    }

    @Test
    void lanesAreAddedAsATreeAndNotFromLeftToRight() {
        // given values whose sum depends on the order
        float[] lanes = new float[16];
        lanes[0] = 1e8f;
        lanes[8] = -1e8f;
        lanes[1] = 1f;

        // when, then: 0 and 8 cancel first; from the left the 1 would be lost
        assertThat(ReductionOrder.tree(lanes)).isEqualTo(1f);
    }

    @Test
    void slicesCoverAllColumnsAndSharesMustFallOnTheirBorders() {
        assertThat(Slicing.whole(90).length()).isEqualTo(12);
        assertThat(Slicing.whole(90).localColumns()).isEqualTo(90);
        assertThat(Slicing.share(96, 1, 2).from()).isEqualTo(48);
        assertThat(Slicing.share(96, 1, 2).localColumns()).isEqualTo(48);
        assertThatThrownBy(() -> Slicing.share(90, 1, 2)).hasMessageContaining("8 slices");
        assertThatThrownBy(() -> new Slicing(64, 3, 2)).isInstanceOf(IllegalArgumentException.class);
    }
}
