package io.altiplano.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopicsTest {
    @Test
    void namesStandUnderThePrefix() {
        Topics topics = new Topics("t1-");

        assertThat(topics.submissions()).isEqualTo("t1-submissions");
        assertThat(topics.attempts()).isEqualTo("t1-attempts");
        assertThat(topics.workers()).isEqualTo("t1-workers");
        assertThat(topics.jobs()).isEqualTo("t1-jobs");
        assertThat(topics.replies()).isEqualTo("t1-replies");
        assertThat(topics.notices()).isEqualTo("t1-notices");
        assertThat(topics.deadLetters("worker")).isEqualTo("t1-dead-letters.worker");
        assertThat(topics.work("default")).isEqualTo("t1-work.default");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Default", "a.b", "-a", "a b", "../x", "a\n"})
    void aPoolThatIsNoDnsLabelIsRefusedByName(String pool) {
        assertThatThrownBy(() -> new Topics("").work(pool))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + pool + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "a/b", "ä"})
    void aPrefixThatKafkaWouldRefuseIsRefusedByName(String prefix) {
        assertThatThrownBy(() -> new Topics(prefix))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(prefix);
    }
}
