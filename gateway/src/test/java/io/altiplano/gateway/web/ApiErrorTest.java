package io.altiplano.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ApiErrorTest {
    @Test
    void theBodyHasAllFourKeysEvenWhereTwoAreNull() {
        assertThat(ErrorBody.json(ApiError.internal("req_1")))
                .startsWith("{\"error\":{\"message\":")
                .contains("req_1")
                .contains("\"type\":\"server_error\"")
                .contains("\"param\":null")
                .contains("\"code\":\"internal_error\"");
    }

    @Test
    void whatARetryCannotHelpSaysSo() {
        assertThat(ApiError.forbidden("c", "m").headers()).containsEntry("x-should-retry", "false");
        assertThat(ApiError.conflict("c", "m").headers()).containsEntry("x-should-retry", "false");
    }

    @Test
    void noOneIsToldToWaitLongerThanClientsDo() {
        assertThat(ApiError.unavailable("c", "m", Duration.ofHours(1)).headers())
                .containsEntry("retry-after", "60");
        assertThat(ApiError.tooManyRequests("c", "m", Duration.ZERO).headers())
                .containsEntry("retry-after", "1")
                .containsEntry("retry-after-ms", "1");
    }

    @Test
    void aRequestIdIsTheClientsOnlyIfItIsSane() {
        assertThat(RequestId.choose("my-id_1.2")).isEqualTo("my-id_1.2");
        assertThat(RequestId.choose("a\r\nb")).startsWith("req_");
        assertThat(RequestId.choose("x".repeat(129))).startsWith("req_");
        assertThat(RequestId.choose(null)).startsWith("req_").isNotEqualTo(RequestId.choose(null));
    }
}
