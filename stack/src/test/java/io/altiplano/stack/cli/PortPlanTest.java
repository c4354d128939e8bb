package io.altiplano.stack.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PortPlanTest {
    @Property
    void noTwoPartsShareAPort(
            @ForAll @IntRange(min = 1, max = 65000) int first, @ForAll @IntRange(min = 1, max = 16) int n) {
        // when
        PortPlan plan = new PortPlan(first, n);

        // then
        assertThat(plan.byName()).hasSize(7 + n);
        assertThat(plan.byName().values()).doesNotHaveDuplicates().allMatch(p -> p >= first && p < 65536);
    }

    @Test
    void portsAreWhereTheDocumentationSays() {
        // when
        PortPlan plan = new PortPlan(8080, 2);

        // then
        assertThat(plan.byName().values()).containsExactly(8080, 8081, 8082, 8083, 8084, 8085, 8086, 8090, 8091);
    }

    @Test
    void aNumberOfWorkersThatNoTopicHasPartitionsForIsRefused() {
        // when, then
        assertThatThrownBy(() -> new PortPlan(8080, 17)).hasMessageContaining("--workers 17");
    }
}
