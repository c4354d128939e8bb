package io.altiplano.gateway.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PostgreSQL reads back what was written: its own text of each value is what the text would have been. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class CopyRowsTest {
    @Inject
    Db db;

    @Test
    void numbersOfAnySizeAndScaleComeBackAsTheyWere() {
        List<BigDecimal> numbers = new ArrayList<>(List.of(
                new BigDecimal("0"),
                new BigDecimal("0.000000000000"),
                new BigDecimal("-0.000000000001"),
                new BigDecimal("10000"),
                new BigDecimal("1E+6"),
                new BigDecimal("9999.9999"),
                new BigDecimal("0.00010000"),
                new BigDecimal("123456789012345678.123456789012")));
        Random random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            numbers.add(new BigDecimal(new BigInteger(1 + random.nextInt(120), random), random.nextInt(13))
                    .multiply(BigDecimal.valueOf(random.nextBoolean() ? 1 : -1)));
        }
        CopyRows rows = new CopyRows(0);
        numbers.forEach(number -> rows.row(1).numeric(number));

        List<String> read = copied("n numeric", rows);

        assertThat(read)
                .isEqualTo(numbers.stream().map(BigDecimal::toPlainString).toList());
    }

    @Test
    void everyOtherKindOfFieldComesBackToo() {
        UUID id = UUID.fromString("01900000-0000-7000-8000-0000deadbeef");
        CopyRows rows = new CopyRows(0);
        rows.row(6)
                .uuid(id)
                .text("a\\b\tc\nd\r\u00e9\u20ac\ud83e\udd99")
                .int2(-2)
                .int4(Integer.MIN_VALUE)
                .int8(Long.MAX_VALUE)
                .instant(Instant.parse("1999-12-31T23:59:59.999001Z"));

        List<String> read = copied("u uuid, t text, s smallint, i int, l bigint, z timestamptz", rows);

        assertThat(read)
                .containsExactly(id + "|a\\b\tc\nd\r\u00e9\u20ac\ud83e\udd99|-2|-2147483648|9223372036854775807|"
                        + "1999-12-31T23:59:59.999001+00:00");
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Long.MIN_VALUE, Long.MAX_VALUE / 100, Long.MIN_VALUE / 100})
    void anInstantThatPostgresHasNotIsRefusedAsData(long millis) {
        CopyRows rows = new CopyRows(0);
        rows.row(1).instant(Instant.ofEpochMilli(millis));

        assertThatThrownBy(() -> copied("z timestamptz", rows)).matches(Db::isAboutData);
    }

    private List<String> copied(String columns, CopyRows rows) {
        return db.ledger(handle -> {
            handle.execute("SET LOCAL timezone = 'UTC'");
            handle.execute("CREATE TEMPORARY TABLE copied (" + columns + ") ON COMMIT DROP");
            LedgerStore.copy(handle, rows, "copied");
            return texts(handle);
        });
    }

    private static List<String> texts(Handle handle) {
        return handle.createQuery("SELECT array_to_string(ARRAY(SELECT value FROM json_each_text(row_to_json(c))), '|')"
                        + " FROM copied c")
                .mapTo(String.class)
                .list();
    }
}
