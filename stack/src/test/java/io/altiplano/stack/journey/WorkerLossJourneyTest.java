package io.altiplano.stack.journey;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.client.OpenAIClient;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.altiplano.contracts.v1.LeaseGranted;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

@Journey
class WorkerLossJourneyTest {
    private static final int KILL_AFTER = 20;
    /** So many tokens that a fast engine is still at work when the kill arrives. */
    private static final int LEAST = 1_200;

    @Test
    void aWorkerKilledMidAnswerIsSeenByTheClientOnlyAsAPause(Platform platform) throws Exception {
        // given
        String tenant = Platform.uniqueId("loss");
        OpenAIClient client = Told.client(platform, platform.newTenant(tenant, 1_000));
        ChatCompletionCreateParams question =
                Told.question("Tell me a long story about a river.", 42, LEAST, LEAST + 20);
        Told undisturbed = Told.stream(client, question);
        Map<TopicPartition, Long> before = platform.endOffsets(platform.topics().jobs());
        AtomicInteger killedAt = new AtomicInteger();

        // when
        Told disturbed = Told.stream(client, question, (job, counted) -> {
            if (counted > KILL_AFTER && killedAt.compareAndSet(0, counted)) {
                platform.killWorker(platform.workerOf(job));
            }
        });

        // then
        List<LeaseGranted> grants = platform.grantsSince(before);
        assertThat(grants).extracting(LeaseGranted::getEpoch).containsExactly(1, 2);
        assertThat(grants.get(1).getBootId()).isNotEqualTo(grants.get(0).getBootId());
        assertThat(disturbed.id()).contains(grants.get(0).getJobId());
        assertThat(Files.readAllLines(platform.schedulerLog()))
                .anyMatch(line ->
                        line.contains("epoch=2") && line.contains(grants.get(0).getJobId()));
        assertThat(disturbed.text()).isEqualTo(undisturbed.text());
        assertThat(disturbed.counted()).isEqualTo(undisturbed.counted()).isBetween(LEAST, LEAST + 20);
        assertThat(disturbed.counted() - killedAt.get()).isGreaterThanOrEqualTo(200);
        assertThat(disturbed.completionTokens()).isEqualTo(disturbed.counted());
        Metered told = Metered.sum(List.of(undisturbed, disturbed));
        assertThat(Metered.await(platform, tenant, told)).isEqualTo(told);
        platform.awaitWorkers();
    }
}
