package io.altiplano.stack.journey;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.notNullValue;

import com.openai.client.OpenAIClient;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.altiplano.stack.platform.Demo;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

@Journey
class ChatJourneyTest {
    @Test
    void anAnswerAndItsStreamAreTheSameAndAreMeteredAsTold(Platform platform) {
        // given
        String tenant = Platform.uniqueId("chat");
        OpenAIClient client = Told.client(platform, platform.newTenant(tenant, 1_200_000));
        ChatCompletionCreateParams question = Told.question("What grows in the valley?", 7, 5, 60);

        // when
        Told whole = Told.ask(client, question);
        Told streamed = Told.stream(client, question);

        // then
        assertThat(whole.text()).isNotBlank();
        assertThat(whole.finishReason()).isIn("stop", "length");
        assertThat(whole.completionTokens()).isEqualTo(whole.counted()).isBetween(5L, 60L);
        assertThat(streamed.text()).isEqualTo(whole.text());
        assertThat(streamed.counted()).isEqualTo(whole.counted());
        assertThat(streamed.completionTokens()).isEqualTo(whole.completionTokens());
        assertThat(streamed.promptTokens()).isEqualTo(whole.promptTokens()).isPositive();
        Metered told = Metered.sum(List.of(whole, streamed));
        assertThat(Metered.await(platform, tenant, told)).isEqualTo(told);
    }

    @Test
    void twoTenantsAtOnceAreAnsweredAndMeteredEachByItself(Platform platform) {
        // given
        String one = Platform.uniqueId("one");
        String two = Platform.uniqueId("two");
        OpenAIClient first = Told.client(platform, platform.newTenant(one, 1_000));
        OpenAIClient second = Told.client(platform, platform.newTenant(two, 2_000));

        // when
        CompletableFuture<Told> other = CompletableFuture.supplyAsync(
                () -> Told.stream(second, Told.question("Tell me about the sea.", 2, 40, 40)));
        Told mine = Told.stream(first, Told.question("Tell me about the mountains.", 1, 30, 30));
        Told theirs = other.join();

        // then
        assertThat(Metered.await(platform, one, Metered.sum(List.of(mine)))).isEqualTo(Metered.sum(List.of(mine)));
        assertThat(Metered.await(platform, two, Metered.sum(List.of(theirs)))).isEqualTo(Metered.sum(List.of(theirs)));
        assertThat(mine.counted()).isEqualTo(30);
        assertThat(theirs.counted()).isEqualTo(40);
    }

    @Test
    void aKeySeesTheModelAndAnUnknownKeySeesNothing(Platform platform) {
        // given
        String key = platform.newTenant(Platform.uniqueId("models"), 1_000);

        // when, then
        given().header("authorization", "Bearer " + key)
                .get(platform.baseUrl() + "/models")
                .then()
                .statusCode(200)
                .header("x-request-id", notNullValue())
                .body("data.id", hasItem(Demo.MODEL));
        given().header("authorization", "Bearer alt_12345678_nothing")
                .get(platform.baseUrl() + "/models")
                .then()
                .statusCode(401)
                .body("error.code", equalTo("invalid_api_key"));
    }
}
