package io.altiplano.gateway.access;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a key: its scopes, its end, its successor, and when it was last used. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class KeyLivesTest {
    private static final String NEEDS_MODELS_READ = "/v1/test/whoami";

    @Inject
    Db db;

    @Inject
    KeyHasher hasher;

    @Inject
    KeySettings settings;

    private String tenant;

    @BeforeEach
    void aTenant() {
        tenant = newTenant("lives", "community");
    }

    @Test
    void aKeyIsForItsScopesAloneAndTheRefusalNamesTheOneMissing() {
        String key = create(Map.of("scopes", List.of("inference"))).path("key");

        Response answer = use(key);

        answer.then()
                .statusCode(403)
                .header("x-should-retry", "false")
                .body("error.code", equalTo("insufficient_scope"))
                .body("error.message", containsString("models.read"));
        given().header("Authorization", "Bearer " + key)
                .contentType("application/json")
                .body("{}")
                .post("/v1/chat/completions")
                .then()
                .statusCode(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "scopes     | [\"admin\"]            | scopes",
                "scopes     | []                     | scopes",
                "scopes     | \"inference\"          | scopes",
                "expires_at | 1                      | expires_at",
                "expires_at | 99999999999            | expires_at",
                "expires_at | \"tomorrow\"           | expires_at",
                "role       | \"member\"             | role",
                "tenant     | \"acme\"               | tenant",
                "tier       | \"partner\"            | tier"
            })
    void aBadFieldIsNamed(String field, String value, String param) {
        Response answer = as("admin")
                .body("{\"name\":\"x\",\"" + field + "\":" + value + "}")
                .post("/admin/v1/tenants/" + tenant + "/keys");

        answer.then().statusCode(400).body("error.param", equalTo(param));
    }

    @Test
    void anExpiredKeyIsRefusedWithinASecondAndItsHolderToldWhy() {
        Instant end = Instant.now().plusSeconds(2);
        String key = create(Map.of("expires_at", end.getEpochSecond())).path("key");

        use(key).then().statusCode(200);
        Instant refused = awaitRefusal(key, "api_key_expired");

        assertThat(refused).isBetween(Instant.ofEpochSecond(end.getEpochSecond()), end.plusSeconds(1));
    }

    @Test
    void aRotatedKeyGoesOnBesideItsSuccessorForTheOverlapAndNotLonger() {
        Response old = create(Map.of("scopes", List.of("models.read", "usage.read")));
        String oldKey = old.path("key");

        Response next = rotate(old.path("id"), 2);
        Instant rotated = Instant.now();

        next.then()
                .statusCode(201)
                .header("cache-control", "no-store")
                .body("scopes", equalTo(List.of("models.read", "usage.read")))
                .body("project", equalTo("default"))
                .body("expires_at", nullValue())
                .body("rotated_from", equalTo(old.path("id")));
        use(oldKey).then().statusCode(200);
        use(next.path("key")).then().statusCode(200);
        assertThat(awaitRefusal(oldKey, "api_key_expired")).isBefore(rotated.plusSeconds(3));
        use(next.path("key")).then().statusCode(200);
    }

    @Test
    void aSuccessorLivesAsLongAsTheOldKeyWasTo() {
        long in1000s = Instant.now().plusSeconds(1000).getEpochSecond();
        Response old = create(Map.of("expires_at", in1000s));

        long end = ((Number) rotate(old.path("id"), 60).path("expires_at")).longValue();

        assertThat(end).isBetween(in1000s - 1, in1000s + 10);
    }

    @Test
    void whatHasEndedOrHasASuccessorIsNotRotated() {
        Response rotated = create(Map.of());
        rotate(rotated.path("id"), 60).then().statusCode(201);
        Response revoked = create(Map.of());
        as("admin").delete("/admin/v1/keys/" + revoked.path("id")).then().statusCode(200);

        Response again = rotate(rotated.path("id"), 60);
        Response after = rotate(revoked.path("id"), 60);
        Response missing = rotate("key_" + "0".repeat(32), 60);
        Response tooLong = rotate(rotated.path("id"), 2_592_001);

        again.then().statusCode(409).body("error.code", equalTo("api_key_rotated"));
        after.then().statusCode(409).body("error.code", equalTo("api_key_ended"));
        missing.then().statusCode(404).body("error.code", equalTo("api_key_not_found"));
        tooLong.then().statusCode(400).body("error.param", equalTo("overlap_seconds"));
    }

    @Test
    void aKeysLastUseIsWrittenOnceAMinuteHoweverOftenItIsUsed() throws Exception {
        Response made = create(Map.of());
        String id = made.path("id");
        assertThat(listed(id).get("last_used_at")).isNull();

        for (int i = 0; i < 20; i++) {
            use(made.path("key")).then().statusCode(200);
        }
        long deadline = System.nanoTime() + Duration.ofSeconds(5).toNanos();
        while (listed(id).get("last_used_at") == null) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(20);
        }
        String first = lastUse(id);
        note(id);
        String within = lastUse(id);
        sql("UPDATE api_key_use SET last_used_at = last_used_at - interval '61 seconds' WHERE key_id = '" + id + "'");
        note(id);
        String later = lastUse(id);

        assertThat(within).isEqualTo(first);
        assertThat(later).isGreaterThan(first);
    }

    @Test
    void ofTwoHundredThreadsRacingARevocationNoneIsAdmittedAfterASecondAndNoneRefusedBefore() throws Exception {
        Response made = create(Map.of());
        String key = made.path("key");
        List<Callers> gateways = List.of(gateway(), gateway());
        record Seen(long began, long ended, boolean admitted) {}
        ConcurrentLinkedQueue<Seen> seen = new ConcurrentLinkedQueue<>();
        CountDownLatch warm = new CountDownLatch(200);
        long[] revocation = new long[2];
        long end = System.nanoTime() + Duration.ofMillis(2500).toNanos();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 200; i++) {
                Callers gateway = gateways.get(i % 2);
                threads.submit(() -> {
                    while (System.nanoTime() < end) {
                        long began = System.nanoTime();
                        boolean admitted = gateway.of(key) instanceof Callers.Answer.Speaks;
                        seen.add(new Seen(began, System.nanoTime(), admitted));
                        warm.countDown();
                        Thread.sleep(10);
                    }
                    return null;
                });
            }
            warm.await();
            revocation[0] = System.nanoTime();
            as("admin").delete("/admin/v1/keys/" + made.path("id")).then().statusCode(200);
            revocation[1] = System.nanoTime();
        }

        long second = Duration.ofSeconds(1).toNanos();
        assertThat(seen).filteredOn(s -> s.ended() < revocation[0]).isNotEmpty().allMatch(Seen::admitted);
        assertThat(seen)
                .filteredOn(s -> s.began() > revocation[1] + second)
                .isNotEmpty()
                .noneMatch(Seen::admitted);
    }

    /** The cache of a further gateway, with everything in it real. */
    private Callers gateway() {
        return new Callers(db, hasher, settings.env(), System::nanoTime);
    }

    private Response create(Map<String, ?> fields) {
        Map<String, Object> body = new HashMap<>(fields);
        body.put("name", "lives");
        Response made = as("admin").body(body).post("/admin/v1/tenants/" + tenant + "/keys");
        made.then().statusCode(201).body("key", notNullValue());
        return made;
    }

    private static Response rotate(String id, long overlap) {
        return as("admin").body(Map.of("overlap_seconds", overlap)).post("/admin/v1/keys/" + id + "/rotate");
    }

    private static Response use(String key) {
        return given().header("Authorization", "Bearer " + key).get(NEEDS_MODELS_READ);
    }

    private static Instant awaitRefusal(String key, String code) {
        Instant deadline = Instant.now().plusSeconds(10);
        while (true) {
            Response answer = use(key);
            if (answer.statusCode() == 401) {
                answer.then().body("error.code", equalTo(code));
                return Instant.now();
            }
            assertThat(Instant.now()).isBefore(deadline);
        }
    }

    private Map<String, Object> listed(String id) {
        return as("auditor")
                .get("/admin/v1/tenants/" + tenant + "/keys")
                .jsonPath()
                .getMap("data.find { it.id == '" + id + "' }");
    }

    private void note(String id) {
        var unused = db.auth(handle -> {
            ApiKeyStore.noteUse(handle, List.of(id));
            return true;
        });
    }

    private static String lastUse(String id) throws SQLException {
        try (var superuser = GatewayTestResource.get().superuser();
                var rows = superuser
                        .createStatement()
                        .executeQuery("SELECT last_used_at AT TIME ZONE 'UTC' FROM api_key_use WHERE key_id = '" + id
                                + "'")) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static void sql(String statement) throws SQLException {
        try (var superuser = GatewayTestResource.get().superuser()) {
            superuser.createStatement().execute(statement);
        }
    }
}
