package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FaultTest {
    @Test
    void everyFaultIsDealtOnceBeforeAnyComesAgain() {
        // given
        int seeds = Fault.values().length / 3;

        // when
        List<Fault> firstDeal = IntStream.range(0, seeds)
                .mapToObj(seed -> Fault.of(seed, 3))
                .flatMap(List::stream)
                .toList();

        // then
        assertThat(firstDeal).containsExactlyInAnyOrder(Fault.values());
        assertThat(Fault.of(seeds, 3)).isNotEqualTo(Fault.of(0, 3));
        assertThat(Fault.of(seeds, 3)).isEqualTo(Fault.of(seeds, 3));
    }
}
