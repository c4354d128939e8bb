package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is read of a metrics page as left over. */
class LeftoversTest {
    private static Map<String, Long> read(String service, String page) {
        Map<String, Long> held = new LinkedHashMap<>();
        Leftovers.read(service, page, held);
        return held;
    }

    @Test
    void anIdleServiceHoldsNothing() {
        assertThat(read("gateway-0", "# TYPE altiplano_streams_open gauge\naltiplano_streams_open 0.0\nother 7.0"))
                .isEmpty();
        assertThat(read("worker-1", "other 7.0")).isEmpty();
    }

    @Test
    void whatAGaugeShowsIsHeldAndOfSeveralModelsTheSum() {
        assertThat(read("gateway-1", "altiplano_streams_open 2.0"))
                .containsExactly(Map.entry("gateway-1 altiplano_streams_open", 2L));
        assertThat(read("worker-0", """
                altiplano_worker_sequences_running{model="a"} 1.0
                altiplano_worker_sequences_running{model="b"} 2.0
                """)).containsExactly(Map.entry("worker-0 altiplano_worker_sequences_running", 3L));
    }

    @Test
    void aGaugeThatIsNotThereIsNoZero() {
        assertThat(read("gateway-0", "altiplano_streams_opened 0.0"))
                .containsExactly(Map.entry("gateway-0 has no gauge altiplano_streams_open", 1L));
        assertThat(read("scheduler-0", "altiplano_scheduler_jobs_waiting 0.0")).hasSize(2);
    }
}
