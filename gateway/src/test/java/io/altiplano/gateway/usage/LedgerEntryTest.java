package io.altiplano.gateway.usage;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.Usage;
import java.security.SecureRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the jobs of a request for several answers are billed for. */
class LedgerEntryTest {
    @ParameterizedTest
    @CsvSource({
        "SUCCEEDED, 0, '', 10, 5, 4",
        "SUCCEEDED, 1, '', 0, 5, 0",
        "CANCELLED, 0, client_disconnected, 10, 5, 4",
        "CANCELLED, 1, client_disconnected, 0, 5, 0",
        "CANCELLED, 0, choice_failed, 0, 0, 0",
        "CANCELLED, 2, choice_failed, 0, 0, 0",
        "FAILED, 0, engine_fault, 0, 0, 0",
        "SUCCEEDED, 0, choice_failed, 10, 5, 4",
    })
    void thePromptIsBilledWithTheFirstAnswerAndNothingWhereOneFailed(
            String outcome, int choice, String message, long prompt, long completion, long cached) {
        // given
        JobFinished finished = JobFinished.newBuilder()
                .setJobId(JobId.create(1_800_000_000_000L, new SecureRandom()).toString())
                .setTenantId("acme")
                .setProjectId("acme-default")
                .setModel("llama")
                .setOutcome(JobOutcome.valueOf("JOB_OUTCOME_" + outcome))
                .setUsage(Usage.newBuilder()
                        .setPromptTokens(10)
                        .setCompletionTokens(5)
                        .setCachedTokens(4))
                .setChoice(choice)
                .setErrorMessage(message)
                .build();

        // when
        LedgerEntry entry = LedgerEntry.of(finished);

        // then
        assertThat(entry.promptTokens()).isEqualTo(prompt);
        assertThat(entry.completionTokens()).isEqualTo(completion);
        assertThat(entry.cachedTokens()).isEqualTo(cached);
    }
}
