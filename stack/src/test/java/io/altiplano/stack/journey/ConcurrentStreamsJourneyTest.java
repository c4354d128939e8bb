package io.altiplano.stack.journey;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.client.OpenAIClient;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

@Journey
class ConcurrentStreamsJourneyTest {
    private static final int STREAMS = 50;

    @Test
    void fiftyStreamsAtOnceAreEachWhatTheyAreAloneAndUsageSumsUp(Platform platform) {
        // given
        String tenant = Platform.uniqueId("fifty");
        OpenAIClient client = Told.client(platform, platform.newTenant(tenant, 1_000));
        List<ChatCompletionCreateParams> questions = IntStream.range(0, STREAMS)
                .mapToObj(i -> Told.question("Question " + i + ": what do you see from hill " + i + "?", i, 8, 32))
                .toList();
        List<Told> alone = questions.stream().map(q -> Told.stream(client, q)).toList();

        // when
        List<CompletableFuture<Told>> running = questions.stream()
                .map(q -> CompletableFuture.supplyAsync(() -> Told.stream(client, q), Thread::startVirtualThread))
                .toList();
        List<Told> together = running.stream().map(CompletableFuture::join).toList();

        // then
        assertThat(together.stream().map(Told::text).toList())
                .isEqualTo(alone.stream().map(Told::text).toList());
        List<Told> all = new ArrayList<>(alone);
        all.addAll(together);
        assertThat(all).allSatisfy(t -> assertThat(t.completionTokens()).isEqualTo(t.counted()));
        Metered told = Metered.sum(all);
        assertThat(Metered.await(platform, tenant, told)).isEqualTo(told);
    }
}
