package io.altiplano.stack.journey;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

@Journey
class RestartJourneyTest {
    @Test
    void keysUsageAndAnswersOutliveARestartOfEverything(Platform platform) throws Exception {
        // given
        String tenant = Platform.uniqueId("restart");
        String key = platform.newTenant(tenant, 1_000);
        var question = Told.question("What is your name?", 11, 10, 40);
        Told before = Told.ask(Told.client(platform, key), question);
        Metered told = Metered.await(platform, tenant, Metered.sum(List.of(before)));

        // when
        platform.restart();

        // then
        assertThat(told).isEqualTo(Metered.sum(List.of(before)));
        assertThat(Metered.of(platform, tenant)).isEqualTo(told);
        Told after = Told.ask(Told.client(platform, key), question);
        assertThat(after.text()).isEqualTo(before.text());
        Metered both = Metered.sum(List.of(before, after));
        assertThat(Metered.await(platform, tenant, both)).isEqualTo(both);
    }
}
