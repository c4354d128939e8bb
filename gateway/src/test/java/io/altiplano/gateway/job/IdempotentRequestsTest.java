package io.altiplano.gateway.job;

import static io.altiplano.gateway.job.IdempotentCaller.PATH;
import static io.altiplano.gateway.job.IdempotentCaller.async;
import static io.altiplano.gateway.job.IdempotentCaller.get;
import static io.altiplano.gateway.job.IdempotentCaller.sql;
import static io.altiplano.gateway.job.IdempotentCaller.text;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class IdempotentRequestsTest {
    private static final int RACERS = 100;

    @Inject
    Db db;

    @Inject
    Sealer sealer;

    private KafkaPeer peer;
    private IdempotentCaller caller;

    @BeforeEach
    void someoneWhoMayCall() {
        Served.model();
        caller = IdempotentCaller.create();
        peer = new KafkaPeer();
    }

    @AfterEach
    void close() throws InterruptedException {
        peer.close();
    }

    @Test
    void askedAgainTheSameAnswerComesAndNoSecondJob() throws Exception {
        CompletableFuture<Response> asked = async(() -> caller.post(false));
        JobSubmitted job = peer.awaitJob(caller.tenant().id());
        peer.answer(job, "Only once");
        Response first = get(asked);

        Response inMemoryOrKept = caller.post(false);
        caller.awaitKept(db);
        Response kept = caller.post(false);

        // Another gateway takes it over if this one is lost, so it is not called back then.
        assertThat(job.getGateway()).isEmpty();
        first.then().statusCode(200).header("idempotent-replayed", nullValue());
        for (Response again : List.of(inMemoryOrKept, kept)) {
            again.then().statusCode(200).header("idempotent-replayed", equalTo("true"));
            assertThat(again.asString()).isEqualTo(first.asString());
        }
        assertThat(peer.countOfTenant(caller.tenant().id())).isZero();
    }

    @Test
    void aStreamIsReplayedWithTheSameTextAndCounts() throws Exception {
        String before;
        try (Sse stream = Sse.post(PATH, caller.tenant().key(), Served.chat(true), caller.header())) {
            JobSubmitted job = peer.awaitJob(caller.tenant().id());
            stream.nextJson();
            peer.reply(job, KafkaPeer.delta(job, 0, "In two "));
            peer.reply(job, KafkaPeer.delta(job, 7, "pieces"), KafkaPeer.last(job, 13));
            before = text(stream.rest());
        }
        caller.awaitKept(db);

        String after;
        try (Sse stream = Sse.post(PATH, caller.tenant().key(), Served.chat(true), caller.header())) {
            after = text(stream.rest());
        }

        assertThat(before).isEqualTo("In two pieces");
        assertThat(after).isEqualTo(before);
    }

    @Test
    void aHundredAtOnceAreOneJobAndOneAnswer() throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        List<CompletableFuture<Response>> racers = new ArrayList<>();
        for (int i = 0; i < RACERS; i++) {
            racers.add(async(() -> {
                start.await();
                Response response = caller.post(false);
                // A body that a busy machine brings too late is no request yet; clients send it again.
                return response.statusCode() == 408 ? caller.post(false) : response;
            }));
        }
        start.countDown();
        JobSubmitted job = peer.awaitJob(caller.tenant().id());
        peer.answer(job, "One for all");

        Set<String> bodies = new HashSet<>();
        for (CompletableFuture<Response> racer : racers) {
            Response response = get(racer);
            response.then().statusCode(200);
            bodies.add(response.asString());
        }
        assertThat(bodies).hasSize(1);
        assertThat(peer.pollJobs(caller.tenant().id(), Duration.ofMillis(300))).isEmpty();

        // The control: with keys of their own they are jobs of their own.
        CompletableFuture<Response> other =
                async(() -> caller.request(UUID.randomUUID().toString(), false));
        JobSubmitted second = peer.awaitJob(caller.tenant().id());
        assertThat(second.getJobId()).isNotEqualTo(job.getJobId());
        peer.answer(second, "Another");
        get(other).then().statusCode(200);
    }

    @Test
    void whatRacesOnOtherGatewaysIsStoppedByTheRowsKey() {
        // As many gateways as inserts: the local locks are left out.
        List<CompletableFuture<Boolean>> inserts = new ArrayList<>();
        RequestKey name = caller.requestKey(false);
        for (int i = 0; i < 20; i++) {
            inserts.add(CompletableFuture.supplyAsync(() -> db.tenant(
                    caller.tenant().id(),
                    handle -> IdempotentStore.insert(
                            handle,
                            name,
                            UUID.randomUUID(),
                            new byte[20],
                            UUID.randomUUID(),
                            Duration.ofMinutes(5),
                            Duration.ofHours(24)))));
        }

        assertThat(inserts.stream().filter(CompletableFuture::join)).hasSize(1);
    }

    @Test
    void ofSeveralAnswersTheOneThatFailedIsRunAgainAndTheOthersAreKept() throws Exception {
        Map<String, Object> body = new java.util.TreeMap<>(Served.chat(false));
        body.put("n", 2);
        CompletableFuture<Response> asked = async(() -> caller.request(caller.key(), body));
        JobSubmitted first = peer.awaitJob(caller.tenant().id());
        JobSubmitted second = peer.awaitJob(caller.tenant().id());
        peer.answer(first, "Kept");
        peer.failed(second, JobOutcome.JOB_OUTCOME_FAILED, "attempts_exhausted", "Three workers were lost.");
        get(asked).then().statusCode(500);

        CompletableFuture<Response> again = async(() -> caller.request(caller.key(), body));
        JobSubmitted third = peer.awaitJob(caller.tenant().id());
        peer.answer(third, "New");

        assertThat(third.getSampling().getChoice())
                .isEqualTo(second.getSampling().getChoice());
        get(again).then().statusCode(200).body("choices.message.content", equalTo(List.of("Kept", "New")));
        assertThat(peer.pollJobs(caller.tenant().id(), Duration.ofMillis(100))).isEmpty();
    }

    @Test
    void anotherBodyUnderTheKeyIsAConflictThatNoRetryHelps() throws Exception {
        CompletableFuture<Response> asked = async(() -> caller.post(false));
        peer.answer(peer.awaitJob(caller.tenant().id()), "First");
        get(asked);

        Response conflict = caller.post(true);

        conflict.then()
                .statusCode(409)
                .header("x-should-retry", equalTo("false"))
                .body("error.code", equalTo("idempotency_key_reused"))
                .body("error.type", equalTo("invalid_request_error"))
                .body("error.message", notNullValue());
        caller.awaitKept(db);
        caller.post(true).then().statusCode(409);
    }

    @Test
    void aKeyIsItsTenantsAndProjectsAlone() throws Exception {
        CompletableFuture<Response> mine = async(() -> caller.post(false));
        peer.answer(peer.awaitJob(caller.tenant().id()), "Mine");
        get(mine);
        Served.Tenant other = Served.Tenant.create("community");

        CompletableFuture<Response> theirs = async(() -> given().header("Authorization", "Bearer " + other.key())
                .header(RequestKey.HEADER, caller.key())
                .contentType(ContentType.JSON)
                .body(Served.chat(false))
                .post(PATH));
        peer.answer(peer.awaitJob(other.id()), "Theirs");

        get(theirs).then().statusCode(200).body("choices[0].message.content", equalTo("Theirs"));
        int seen = db.tenant(
                other.id(),
                handle -> handle.createQuery("SELECT count(*) FROM idempotent_request WHERE tenant_id = :t")
                        .bind("t", caller.tenant().id())
                        .mapTo(Integer.class)
                        .one());
        assertThat(seen).isZero();
    }

    @Test
    void whoHangsUpFindsTheAnswerLater() throws Exception {
        JobSubmitted job;
        try (Sse stream = Sse.post(PATH, caller.tenant().key(), Served.chat(true), caller.header())) {
            job = peer.awaitJob(caller.tenant().id());
            stream.nextJson();
        }
        peer.answer(job, "Still here");
        caller.awaitKept(db);

        try (Sse stream = Sse.post(PATH, caller.tenant().key(), Served.chat(true), caller.header())) {
            assertThat(text(stream.rest())).isEqualTo("Still here");
        }
        assertThat(peer.pollJobs(caller.tenant().id(), Duration.ofMillis(100))).isEmpty();
    }

    @Test
    void aJobThatWasNotFinishedFreesItsKey() throws Exception {
        CompletableFuture<Response> asked = async(() -> caller.post(false));
        JobSubmitted job = peer.awaitJob(caller.tenant().id());
        peer.failed(job, JobOutcome.JOB_OUTCOME_FAILED, "attempts_exhausted", "Three workers were lost.");
        get(asked).then().statusCode(500);

        CompletableFuture<Response> again = async(() -> caller.post(false));
        JobSubmitted second = peer.awaitJob(caller.tenant().id());
        peer.answer(second, "Now");

        assertThat(second.getJobId()).isNotEqualTo(job.getJobId());
        get(again).then().statusCode(200).body("choices[0].message.content", equalTo("Now"));
    }

    @Test
    void aRefusedRequestLeavesTheKeyFree() throws Exception {
        given().header("Authorization", "Bearer " + caller.tenant().key())
                .header(RequestKey.HEADER, caller.key())
                .contentType(ContentType.JSON)
                .body(Map.of(
                        "model", Served.MODEL, "messages", Served.chat(false).get("messages"), "max_tokens", 99999999))
                .post(PATH)
                .then()
                .statusCode(400);

        CompletableFuture<Response> asked = async(() -> caller.post(false));
        peer.answer(peer.awaitJob(caller.tenant().id()), "Good");
        get(asked).then().statusCode(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "two words", "ümlaut"})
    void whatIsNoKeyIsRefusedByName(String wrong) {
        caller.request(wrong, false)
                .then()
                .statusCode(400)
                .body("error.param", equalTo(RequestKey.HEADER))
                .body("error.code", equalTo("invalid_value"));
    }

    @Test
    void promptAndAnswerAreNotReadableInTheDatabaseAndAreGoneAfterADay() throws Exception {
        CompletableFuture<Response> asked = async(() -> caller.post(false));
        peer.answer(peer.awaitJob(caller.tenant().id()), "Nobody reads this");
        get(asked);
        caller.awaitKept(db);
        IdempotentStore.Kept kept = db.tenant(
                caller.tenant().id(),
                handle -> IdempotentStore.find(handle, caller.name()).orElseThrow());

        byte[] sealed = java.util.Objects.requireNonNull(kept.answer());
        assertThat(new String(sealed, StandardCharsets.ISO_8859_1)).doesNotContain("Nobody reads this");
        assertThat(new String(sealer.open(caller.name(), kept.jobId(), "answer", sealed), StandardCharsets.UTF_8))
                .contains("Nobody reads this");
        assertThatThrownBy(() -> sealer.open(caller.name(), kept.jobId(), "submission", sealed))
                .isInstanceOf(java.security.GeneralSecurityException.class);
        assertThat(kept.submission()).isNull();

        sql("UPDATE idempotent_request SET expires_at = now() - interval '1 second' WHERE key = '" + caller.key()
                + "'");
        boolean there = db.tenant(
                caller.tenant().id(),
                handle -> IdempotentStore.find(handle, caller.name()).isPresent());
        int deleted = db.operator(IdempotentStore::deleteOld);
        assertThat(there).isFalse();
        assertThat(deleted).isPositive();
    }
}
