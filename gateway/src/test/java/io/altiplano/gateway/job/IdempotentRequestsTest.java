package io.altiplano.gateway.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyAddress;
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
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class IdempotentRequestsTest {
    private static final String PATH = "/v1/chat/completions";
    private static final int RACERS = 100;

    @Inject
    Db db;

    @Inject
    Sealer sealer;

    @Inject
    JobService jobs;

    @Inject
    IdempotentRuns idempotent;

    private KafkaPeer peer;
    private Served.Tenant tenant;
    private String key = "";

    @BeforeEach
    void someoneWhoMayCall() {
        Served.model();
        tenant = Served.Tenant.create("community");
        peer = new KafkaPeer();
        key = UUID.randomUUID().toString();
    }

    @AfterEach
    void close() throws InterruptedException {
        peer.close();
    }

    @Test
    void askedAgainTheSameAnswerComesAndNoSecondJob() throws Exception {
        CompletableFuture<Response> asked = async(() -> post(false));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "Only once");
        Response first = get(asked);

        Response inMemoryOrKept = post(false);
        awaitKept();
        Response kept = post(false);

        // Another gateway takes it over if this one is lost, so it is not called back then.
        assertThat(job.getGateway()).isEmpty();
        first.then().statusCode(200).header("idempotent-replayed", nullValue());
        for (Response again : List.of(inMemoryOrKept, kept)) {
            again.then().statusCode(200).header("idempotent-replayed", equalTo("true"));
            assertThat(again.asString()).isEqualTo(first.asString());
        }
        assertThat(peer.countOfTenant(tenant.id())).isZero();
    }

    @Test
    void aStreamIsReplayedWithTheSameTextAndCounts() throws Exception {
        String before;
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true), header())) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();
            peer.reply(job, KafkaPeer.delta(job, 0, "In two "));
            peer.reply(job, KafkaPeer.delta(job, 7, "pieces"), KafkaPeer.last(job, 13));
            before = text(stream.rest());
        }
        awaitKept();

        String after;
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true), header())) {
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
                Response response = post(false);
                // A body that a busy machine brings too late is no request yet; clients send it again.
                return response.statusCode() == 408 ? post(false) : response;
            }));
        }
        start.countDown();
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "One for all");

        Set<String> bodies = new HashSet<>();
        for (CompletableFuture<Response> racer : racers) {
            Response response = get(racer);
            response.then().statusCode(200);
            bodies.add(response.asString());
        }
        assertThat(bodies).hasSize(1);
        assertThat(peer.pollJobs(tenant.id(), Duration.ofMillis(300))).isEmpty();

        // The control: with keys of their own they are jobs of their own.
        CompletableFuture<Response> other =
                async(() -> request(UUID.randomUUID().toString(), false));
        JobSubmitted second = peer.awaitJob(tenant.id());
        assertThat(second.getJobId()).isNotEqualTo(job.getJobId());
        peer.answer(second, "Another");
        get(other).then().statusCode(200);
    }

    @Test
    void whatRacesOnOtherGatewaysIsStoppedByTheRowsKey() {
        // As many gateways as inserts: the local locks are left out.
        List<CompletableFuture<Boolean>> inserts = new ArrayList<>();
        RequestKey name = requestKey(false);
        for (int i = 0; i < 20; i++) {
            inserts.add(CompletableFuture.supplyAsync(() -> db.tenant(
                    tenant.id(),
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
        CompletableFuture<Response> asked = async(() -> request(key, body));
        JobSubmitted first = peer.awaitJob(tenant.id());
        JobSubmitted second = peer.awaitJob(tenant.id());
        peer.answer(first, "Kept");
        peer.failed(second, JobOutcome.JOB_OUTCOME_FAILED, "attempts_exhausted", "Three workers were lost.");
        get(asked).then().statusCode(500);

        CompletableFuture<Response> again = async(() -> request(key, body));
        JobSubmitted third = peer.awaitJob(tenant.id());
        peer.answer(third, "New");

        assertThat(third.getSampling().getChoice())
                .isEqualTo(second.getSampling().getChoice());
        get(again).then().statusCode(200).body("choices.message.content", equalTo(List.of("Kept", "New")));
        assertThat(peer.pollJobs(tenant.id(), Duration.ofMillis(100))).isEmpty();
    }

    @Test
    void anotherBodyUnderTheKeyIsAConflictThatNoRetryHelps() throws Exception {
        CompletableFuture<Response> asked = async(() -> post(false));
        peer.answer(peer.awaitJob(tenant.id()), "First");
        get(asked);

        Response conflict = post(true);

        conflict.then()
                .statusCode(409)
                .header("x-should-retry", equalTo("false"))
                .body("error.code", equalTo("idempotency_key_reused"))
                .body("error.type", equalTo("invalid_request_error"))
                .body("error.message", notNullValue());
        awaitKept();
        post(true).then().statusCode(409);
    }

    @Test
    void aKeyIsItsTenantsAndProjectsAlone() throws Exception {
        CompletableFuture<Response> mine = async(() -> post(false));
        peer.answer(peer.awaitJob(tenant.id()), "Mine");
        get(mine);
        Served.Tenant other = Served.Tenant.create("community");

        CompletableFuture<Response> theirs = async(() -> given().header("Authorization", "Bearer " + other.key())
                .header(RequestKey.HEADER, key)
                .contentType(ContentType.JSON)
                .body(Served.chat(false))
                .post(PATH));
        peer.answer(peer.awaitJob(other.id()), "Theirs");

        get(theirs).then().statusCode(200).body("choices[0].message.content", equalTo("Theirs"));
        int seen = db.tenant(
                other.id(),
                handle -> handle.createQuery("SELECT count(*) FROM idempotent_request WHERE tenant_id = :t")
                        .bind("t", tenant.id())
                        .mapTo(Integer.class)
                        .one());
        assertThat(seen).isZero();
    }

    @Test
    void whoHangsUpFindsTheAnswerLater() throws Exception {
        JobSubmitted job;
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true), header())) {
            job = peer.awaitJob(tenant.id());
            stream.nextJson();
        }
        peer.answer(job, "Still here");
        awaitKept();

        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true), header())) {
            assertThat(text(stream.rest())).isEqualTo("Still here");
        }
        assertThat(peer.pollJobs(tenant.id(), Duration.ofMillis(100))).isEmpty();
    }

    @Test
    void aJobThatWasNotFinishedFreesItsKey() throws Exception {
        CompletableFuture<Response> asked = async(() -> post(false));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.failed(job, JobOutcome.JOB_OUTCOME_FAILED, "attempts_exhausted", "Three workers were lost.");
        get(asked).then().statusCode(500);

        CompletableFuture<Response> again = async(() -> post(false));
        JobSubmitted second = peer.awaitJob(tenant.id());
        peer.answer(second, "Now");

        assertThat(second.getJobId()).isNotEqualTo(job.getJobId());
        get(again).then().statusCode(200).body("choices[0].message.content", equalTo("Now"));
    }

    @Test
    void aRefusedRequestLeavesTheKeyFree() throws Exception {
        given().header("Authorization", "Bearer " + tenant.key())
                .header(RequestKey.HEADER, key)
                .contentType(ContentType.JSON)
                .body(Map.of(
                        "model", Served.MODEL, "messages", Served.chat(false).get("messages"), "max_tokens", 99999999))
                .post(PATH)
                .then()
                .statusCode(400);

        CompletableFuture<Response> asked = async(() -> post(false));
        peer.answer(peer.awaitJob(tenant.id()), "Good");
        get(asked).then().statusCode(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "two words", "ümlaut"})
    void whatIsNoKeyIsRefusedByName(String wrong) {
        request(wrong, false)
                .then()
                .statusCode(400)
                .body("error.param", equalTo(RequestKey.HEADER))
                .body("error.code", equalTo("invalid_value"));
    }

    /** The gateway died between commit and publish, or its commit's acknowledgement was lost: only the row is there. */
    @Test
    void aCommittedRequestThatWasNeverSentIsSentByAnotherGateway() throws Exception {
        JobSubmitted orphan = orphan(-1);

        CompletableFuture<Response> asked = async(() -> post(false));
        JobSubmitted sent = peer.awaitJob(tenant.id());
        peer.answer(sent, "Recovered");

        assertThat(sent).isEqualTo(orphan);
        get(asked)
                .then()
                .statusCode(200)
                .header("idempotent-replayed", equalTo("true"))
                .body("id", equalTo("chatcmpl-" + orphan.getJobId()))
                .body("choices[0].message.content", equalTo("Recovered"));
        assertThat(peer.pollJobs(tenant.id(), Duration.ofMillis(100))).isEmpty();
    }

    /** The gateway died in the middle of the answer: what came before is found where it was sent. */
    @Test
    void theAnswerOfADeadGatewayIsReadFromItsBeginning() throws Exception {
        JobSubmitted orphan = orphan(3600);
        peer.reply(orphan, KafkaPeer.delta(orphan, 0, "Before "));
        peer.retrying(orphan, 2);
        peer.reply(
                orphan,
                KafkaPeer.delta(orphan, 7, "and after").setEpoch(2),
                KafkaPeer.last(orphan, 16).setEpoch(2));
        expireHolder();

        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true), header())) {
            List<String> lines = stream.rest();
            assertThat(text(lines)).isEqualTo("Before and after");
        }
    }

    @Test
    void aGatewayThatStopsLeavesItsRequestsToTheOthers() throws Exception {
        CompletableFuture<Response> asked = async(() -> post(false));
        JobSubmitted job = peer.awaitJob(tenant.id());

        idempotent.handOver();

        get(asked).then().statusCode(503).body("error.code", equalTo("shutting_down"));
        CompletableFuture<Response> again = async(() -> post(false));
        assertThat(peer.awaitJob(tenant.id())).isEqualTo(job);
        peer.answer(job, "Handed over");
        get(again).then().statusCode(200).body("choices[0].message.content", equalTo("Handed over"));
    }

    @Test
    void promptAndAnswerAreNotReadableInTheDatabaseAndAreGoneAfterADay() throws Exception {
        CompletableFuture<Response> asked = async(() -> post(false));
        peer.answer(peer.awaitJob(tenant.id()), "Nobody reads this");
        get(asked);
        awaitKept();
        IdempotentStore.Kept kept = db.tenant(
                tenant.id(), handle -> IdempotentStore.find(handle, name()).orElseThrow());

        byte[] sealed = java.util.Objects.requireNonNull(kept.answer());
        assertThat(new String(sealed, StandardCharsets.ISO_8859_1)).doesNotContain("Nobody reads this");
        assertThat(new String(sealer.open(name(), kept.jobId(), "answer", sealed), StandardCharsets.UTF_8))
                .contains("Nobody reads this");
        assertThatThrownBy(() -> sealer.open(name(), kept.jobId(), "submission", sealed))
                .isInstanceOf(java.security.GeneralSecurityException.class);
        assertThat(kept.submission()).isNull();

        sql("UPDATE idempotent_request SET expires_at = now() - interval '1 second' WHERE key = '" + key + "'");
        boolean there = db.tenant(
                tenant.id(), handle -> IdempotentStore.find(handle, name()).isPresent());
        int deleted = db.operator(IdempotentStore::deleteOld);
        assertThat(there).isFalse();
        assertThat(deleted).isPositive();
    }

    private interface Asking<T> {
        T ask() throws Exception;
    }

    private static <T> CompletableFuture<T> async(Asking<T> asking) {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                done.complete(asking.ask());
            } catch (Exception | AssertionError e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    private static Response get(CompletableFuture<Response> response) throws Exception {
        return response.get(30, TimeUnit.SECONDS);
    }

    private Response post(boolean other) {
        return request(key, other);
    }

    private Response request(String named, boolean other) {
        Map<String, Object> body = new java.util.TreeMap<>(Served.chat(false));
        if (other) {
            body.put("temperature", 0.5);
        }
        return request(named, body);
    }

    private Response request(String named, Map<String, Object> body) {
        return given().header("Authorization", "Bearer " + tenant.key())
                .header(RequestKey.HEADER, named)
                .contentType(ContentType.JSON)
                .body(body)
                .post(PATH);
    }

    private String header() {
        return RequestKey.HEADER + ": " + key;
    }

    private RequestKey.Name name() {
        return new RequestKey.Name(tenant.id(), "default", key);
    }

    /** As the gateway makes it of the same request. */
    private RequestKey requestKey(boolean stream) {
        try {
            Map<String, Object> body = stream ? Served.chat(true) : new java.util.TreeMap<>(Served.chat(false));
            return RequestKey.of(tenant.id(), "default", key, PATH, new ObjectMapper().writeValueAsString(body));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A row as a gateway leaves it that accepted a request and died. */
    private JobSubmitted orphan(int heldForSeconds) {
        boolean stream = heldForSeconds > 0;
        JobId id = JobId.create(System.currentTimeMillis(), new Random());
        JobSubmitted job = JobSubmitted.newBuilder()
                .setJobId(id.toString())
                .setPool("default")
                .setModel(Served.MODEL)
                .setTenantId(tenant.id())
                .setProjectId("default")
                .addAllPromptTokens(List.of(1, 2, 3))
                .setStream(stream)
                .setLicenceEpoch(Long.MAX_VALUE / 2)
                .setReplyTo(ReplyAddress.newBuilder().setPartition(11).setNonce(987654321))
                .build();
        RequestKey named = requestKey(stream);
        boolean inserted = db.tenant(
                tenant.id(),
                handle -> IdempotentStore.insert(
                        handle,
                        named,
                        id.value(),
                        sealer.seal(named.name(), id.value(), "submission", job.toByteArray()),
                        UUID.randomUUID(),
                        Duration.ofSeconds(heldForSeconds),
                        Duration.ofHours(24)));
        assertThat(inserted).isTrue();
        return job;
    }

    private void expireHolder() throws Exception {
        sql("UPDATE idempotent_request SET held_until = now() - interval '1 second' WHERE key = '" + key + "'");
    }

    private static void sql(String statement) throws Exception {
        try (var superuser = GatewayTestResource.get().superuser();
                var s = superuser.createStatement()) {
            s.execute(statement);
        }
    }

    private void awaitKept() {
        long begin = System.nanoTime();
        while (db.tenant(
                tenant.id(),
                handle -> IdempotentStore.find(handle, name())
                        .map(kept -> kept.answer() == null)
                        .orElse(true))) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
            Thread.onSpinWait();
        }
    }

    private static String text(List<String> lines) throws JsonProcessingException {
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            if (line.startsWith("data: {")) {
                text.append(new ObjectMapper()
                        .readTree(line.substring("data: ".length()))
                        .at("/choices/0/delta/content")
                        .asText(""));
            }
        }
        return text.toString();
    }
}
