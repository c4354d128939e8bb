package io.altiplano.gateway.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ToolCallTest {
    private static final Set<String> OFFERED = Set.of("weather");

    @Test
    void theFormOfLlamaIsACallWithItsArgumentsAsJson() {
        Optional<ToolCall> call = ToolCall.parse(
                "\n {\"name\": \"weather\", \"parameters\": {\"city\": \"La Paz\", \"days\": 2}} ", OFFERED);

        assertThat(call).isPresent();
        assertThat(call.get().name()).isEqualTo("weather");
        assertThat(call.get().arguments()).isEqualTo("{\"city\":\"La Paz\",\"days\":2}");
        assertThat(call.get().id()).matches("call_[0-9a-f]{24}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "It rains.",
                "{\"name\": \"other\", \"parameters\": {}}",
                "{\"name\": \"weather\"}",
                "{\"name\": \"weather\", \"parameters\": 5}",
                "{\"name\": \"weather\", \"parameters\": {}} and more",
                "{\"name\": \"weather\", \"parameters\": {",
                "{\"name\": \"weather\", \"name\": \"weather\", \"parameters\": {}}",
                "[{\"name\": \"weather\", \"parameters\": {}}]"
            })
    void anythingElseIsContent(String answer) {
        assertThat(ToolCall.parse(answer, OFFERED)).isEmpty();
    }

    @Test
    void onlyWhatMayStillBecomeACallIsHeldBack() {
        assertThat(ToolCall.mayBecomeCall("")).isTrue();
        assertThat(ToolCall.mayBecomeCall("  {\"na")).isTrue();
        assertThat(ToolCall.mayBecomeCall("Sure, {")).isFalse();
    }
}
