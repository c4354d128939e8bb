package io.altiplano.gateway.usage;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UsageQueryTest {
    @ParameterizedTest
    @CsvSource({
        "usage_month, , , ",
        "usage_month, 2026-11-01T00:00:00Z, 2026-12-01T00:00:00Z, ",
        "usage_month, 2026-11-01T00:00:00Z, , ",
        "usage_day, 2026-11-01T00:00:00Z, 2026-12-02T00:00:00Z, ",
        "usage_day, 2026-11-02T00:00:00Z, , ",
        "usage_day, 2026-11-01T00:00:00Z, 2026-12-01T00:00:00Z, day",
        "usage_hour, 2026-11-01T00:00:00Z, 2026-11-01T05:00:00Z, ",
        "usage_hour, 2026-11-01T01:00:00Z, , ",
        "usage_hour, 2026-11-01T00:00:00Z, 2026-12-01T00:00:00Z, hour"
    })
    void theRollupOfTheLongestSpansThatAreFineEnoughIsRead(String table, String from, String to, String bucket) {
        UsageQuery query = UsageQuery.of(from, to, bucket, null);

        assertThat(query.rollup()).isEqualTo(table);
    }
}
