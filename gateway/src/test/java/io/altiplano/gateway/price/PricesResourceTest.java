package io.altiplano.gateway.price;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class PricesResourceTest {
    @Inject
    Db db;

    @Inject
    PriceBook book;

    @BeforeEach
    void aModelIsServed() {
        Served.model();
    }

    @Test
    void aTenantsOwnPriceHoldsFromItsInstantForItAlone() {
        String acme = newTenant("acme", "community");
        String edge = newTenant("edge", "community");
        Instant from = Instant.now().plus(1, ChronoUnit.HOURS).truncatedTo(ChronoUnit.MILLIS);
        Map<String, Object> body = body();
        body.put("tenant", acme);
        body.put("effective_from", from.toString());
        body.put("effective_until", from.plusSeconds(60).toString());
        int before = book.prices().size();

        add(body)
                .then()
                .statusCode(201)
                .body("object", equalTo("price"))
                .body("currency", equalTo("USD"))
                .body("prompt", equalTo("0.150000"))
                .body("batch_discount", equalTo("0.25"));

        awaitPrices(before);
        assertThat(prompt(acme, from)).isEqualTo("0.150000");
        assertThat(prompt(acme, from.minusMillis(1))).isNotEqualTo("0.150000");
        assertThat(prompt(acme, from.plusSeconds(60))).isNotEqualTo("0.150000");
        assertThat(prompt(edge, from)).isNotEqualTo("0.150000");
        add(body).then().statusCode(409).body("error.code", equalTo("price_exists"));
        as("auditor")
                .get("/admin/v1/prices?tenant=" + acme)
                .then()
                .body("data.tenant", org.hamcrest.Matchers.hasItem(acme));
        as("auditor")
                .get("/admin/v1/prices?tenant=" + edge)
                .then()
                .body("data.tenant", org.hamcrest.Matchers.not(org.hamcrest.Matchers.hasItem(acme)));
        int audited = db.operator(handle -> handle.createQuery(
                        "SELECT count(*) FROM audit_log WHERE action = 'price.add' AND tenant_id = :t")
                .bind("t", acme)
                .mapTo(Integer.class)
                .one());
        assertThat(audited).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "prompt, -1",
        "prompt, 1e3",
        "prompt, 0.1234567",
        "prompt, 1000000.000001",
        "prompt, NaN",
        "cached_prompt, 9",
        "batch_discount, 1.5",
        "effective_from, 2024-01-01T00:00:00Z",
        "effective_from, tomorrow",
        "effective_until, 2030-01-01T00:00:00Z",
        "model, no-such-model",
        "tenant, no-such-tenant",
    })
    void whatIsNoPriceIsRefusedByItsField(String field, String value) {
        Map<String, Object> body = body();
        body.put(field, value);

        add(body)
                .then()
                .statusCode(400)
                .body("error.param", equalTo(field))
                .body("error.message", containsString(field));
    }

    @Test
    void thePastIsNobodysToWriteNorChange() {
        String insert = """
                INSERT INTO price (model, effective_from, prompt, cached_prompt, completion, adapter_premium, training,
                    batch_discount, recorded_by) VALUES ('*', %s, 1, 1, 1, 0, 0, 0, 'test')""";

        assertThatThrownBy(
                        () -> db.operator(handle -> handle.execute(insert.formatted("now() + interval '50 seconds'"))))
                .hasStackTraceContaining("is not a minute ahead");
        assertThatThrownBy(() -> db.operator(handle -> handle.execute(insert.formatted("now() + interval '2 days'"))))
                .hasStackTraceContaining("without an audit row");
        assertThatThrownBy(() -> db.operator(handle -> handle.execute("UPDATE price SET prompt = 0")))
                .hasStackTraceContaining("permission denied");
        assertThatThrownBy(() -> db.ledger(handle -> handle.execute("DELETE FROM price")))
                .hasStackTraceContaining("permission denied");
    }

    private String prompt(String tenant, Instant at) {
        return book.at(at).of(tenant, Served.MODEL).prompt().toPlainString();
    }

    private void awaitPrices(int before) {
        long begin = System.nanoTime();
        while (book.prices().size() == before) {
            assertThat(System.nanoTime() - begin)
                    .isLessThan(PriceBook.KEPT.multipliedBy(3).toNanos());
            Thread.onSpinWait();
        }
    }

    private static Map<String, Object> body() {
        return new HashMap<>(Map.of(
                "model",
                Served.MODEL,
                "prompt",
                "0.15",
                "cached_prompt",
                "0.05",
                "completion",
                "0.45",
                "adapter_premium",
                "0.1",
                "batch_discount",
                "0.25"));
    }

    private static Response add(Map<String, Object> body) {
        return as("admin").body(body).post("/admin/v1/prices");
    }
}
