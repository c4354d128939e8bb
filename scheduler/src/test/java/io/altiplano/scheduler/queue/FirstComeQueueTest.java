package io.altiplano.scheduler.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.scheduler.queue.JobQueue.Entry;
import java.util.List;
import java.util.TreeMap;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class FirstComeQueueTest {
    /** Non-negative: add that arrival; negative: remove it. */
    @Property
    void theHeadIsAlwaysTheEarliestThatIsThere(
            @ForAll @Size(max = 60) List<@IntRange(min = -20, max = 20) Integer> steps) {
        FirstComeQueue queue = new FirstComeQueue();
        TreeMap<Integer, String> model = new TreeMap<>();
        for (int step : steps) {
            int arrival = Math.abs(step);
            if (step >= 0) {
                queue.add(Entries.of("job-" + arrival, "acme", 1, 10, arrival));
                model.put(arrival, "job-" + arrival);
            } else {
                queue.remove("job-" + arrival);
                model.remove(arrival);
            }
            assertThat(queue.size()).isEqualTo(model.size());
            assertThat(queue.head().map(Entry::jobId).orElse(null))
                    .isEqualTo(model.isEmpty() ? null : model.firstEntry().getValue());
        }
    }

    @Example
    void aWeightBelowOneIsRefused() {
        assertThatThrownBy(() -> Entries.of("j", "acme", 0, 1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("acme");
    }
}
