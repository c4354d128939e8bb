package io.altiplano.worker.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class E4m3Test {
    @Test
    void everyFiniteCodeSurvivesTheWayThroughF32() {
        for (int code = 0; code < 256; code++) {
            if ((code & 0x7f) != 0x7f) {
                float value = E4m3.decode((byte) code);
                assertThat(E4m3.encode(value)).as("code %02x", code).isEqualTo((byte) code);
                assertThat(E4m3.round(value)).isEqualTo(value);
            }
        }
    }

    @Test
    void theNamedValuesOfTheFormatAreRight() {
        assertThat(E4m3.decode((byte) 0x7e)).isEqualTo(448f);
        assertThat(E4m3.decode((byte) 0x08)).isEqualTo(0x1p-6f);
        assertThat(E4m3.decode((byte) 0x01)).isEqualTo(0x1p-9f);
        assertThat(E4m3.decode((byte) 0x38)).isEqualTo(1f);
        assertThat(E4m3.decode((byte) 0xb8)).isEqualTo(-1f);
        assertThat(E4m3.decode((byte) 0x7f)).isNaN();
        assertThat(E4m3.decode((byte) 0xff)).isNaN();
    }

    @ParameterizedTest
    @CsvSource({
        "1.0625, 1.0", // a tie between 1 and 1.125: even mantissa
        "1.1875, 1.25", // a tie between 1.125 and 1.25
        "1.07, 1.125",
        "-1.07, -1.125",
        "447, 448",
        "463, 448",
        "1e9, 448",
        "-1e9, -448",
        "Infinity, 448",
        "0.0009765625, 0", // 2^-10, a tie between 0 and 2^-9
        "0.0029296875, 0.00390625", // 1.5 * 2^-9, a tie between 2^-9 and 2^-8
        "0.0155, 0.015625", // rounds up into the smallest normal
        "NaN, 0",
    })
    void roundingIsToNearestTiesToEvenAndSaturates(float value, float expected) {
        assertThat(E4m3.round(value)).isEqualTo(expected);
    }

    @Property
    void noCodeIsNearer(@ForAll @FloatRange(min = -500f, max = 500f) float value) {
        double distance = Math.abs((double) E4m3.round(value) - value);
        for (int code = 0; code < 256; code++) {
            if ((code & 0x7f) != 0x7f) {
                assertThat(Math.abs((double) E4m3.decode((byte) code) - value)).isGreaterThanOrEqualTo(distance);
            }
        }
    }

    @Test
    void bf16RoundsToNearestEvenAndKeepsNaN() {
        assertThat(Bf16.decode(Bf16.encode(1.00390625f))).isEqualTo(1f); // a tie
        assertThat(Bf16.decode(Bf16.encode(1.01171875f))).isEqualTo(1.015625f); // a tie
        assertThat(Bf16.decode(Bf16.encode(3.1415927f))).isEqualTo(3.140625f);
        assertThat(Bf16.decode(Bf16.encode(Float.NaN))).isNaN();
        assertThat(Bf16.decode(Bf16.encode(Float.intBitsToFloat(0x7f800001)))).isNaN();
        assertThat(Bf16.isExact(3.140625f)).isTrue();
        assertThat(Bf16.isExact(3.1415927f)).isFalse();
    }
}
