package io.altiplano.stack.journey;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import com.openai.errors.PermissionDeniedException;
import io.altiplano.stack.platform.Demo;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

@Journey
class LicenceJourneyTest {
    @Test
    void sevenHundredMillionUsersPassAndAreMetered(Platform platform) {
        // given
        String tenant = Platform.uniqueId("edge");
        String key = platform.newTenant(tenant, 700_000_000);

        // when
        Told answer = Told.ask(Told.client(platform, key), Told.question("Hello!", 3, 1, 16));

        // then
        assertThat(answer.counted()).isPositive();
        Metered told = Metered.sum(List.of(answer));
        assertThat(Metered.await(platform, tenant, told)).isEqualTo(told);
    }

    @Test
    void moreUsersNeedMetasApprovalAndNothingIsQueuedOrMetered(Platform platform) {
        // given
        String tenant = Platform.uniqueId("megacorp");
        String key = platform.newTenant(tenant, 812_000_000);
        Map<TopicPartition, Long> before = platform.endOffsets(platform.topics().submissions());

        // when
        PermissionDeniedException refusal = catchThrowableOfType(
                PermissionDeniedException.class,
                () -> Told.stream(Told.client(platform, key), Told.question("Hello!", 3, 1, 16)));

        // then
        assertThat(refusal.code()).contains("licence_approval_required");
        assertThat(refusal.getMessage()).contains("clause 2").contains("Request a licence from Meta");
        given().header("authorization", "Bearer " + key)
                .contentType("application/json")
                .body(Map.of("model", Demo.MODEL, "messages", List.of(Map.of("role", "user", "content", "Hello!"))))
                .post(platform.baseUrl() + "/chat/completions")
                .then()
                .statusCode(403)
                .header("x-should-retry", "false")
                .body("error.code", equalTo("licence_approval_required"))
                .body("error.message", containsString("clause 2"));
        assertThat(platform.endOffsets(platform.topics().submissions())).isEqualTo(before);
        assertThat(Metered.of(platform, tenant)).isEqualTo(new Metered(0, 0, 0));
    }
}
