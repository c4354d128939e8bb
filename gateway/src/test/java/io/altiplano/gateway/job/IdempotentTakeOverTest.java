package io.altiplano.gateway.job;

import static io.altiplano.gateway.job.IdempotentCaller.PATH;
import static io.altiplano.gateway.job.IdempotentCaller.async;
import static io.altiplano.gateway.job.IdempotentCaller.get;
import static io.altiplano.gateway.job.IdempotentCaller.sql;
import static io.altiplano.gateway.job.IdempotentCaller.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.CutWire;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a gateway accepted with an {@code Idempotency-Key} and did not finish is finished by another one. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class IdempotentTakeOverTest {
    @Inject
    Db db;

    @Inject
    Sealer sealer;

    @Inject
    IdempotentRuns idempotent;

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

    /** The gateway died between commit and publish, or its commit's acknowledgement was lost: only the row is there. */
    @Test
    void aCommittedRequestThatWasNeverSentIsSentByAnotherGateway() throws Exception {
        JobSubmitted orphan = orphan(-1);

        CompletableFuture<Response> asked = async(() -> caller.post(false));
        JobSubmitted sent = peer.awaitJob(caller.tenant().id());
        peer.answer(sent, "Recovered");

        assertThat(sent).isEqualTo(orphan);
        get(asked)
                .then()
                .statusCode(200)
                .header("idempotent-replayed", equalTo("true"))
                .body("id", equalTo("chatcmpl-" + orphan.getJobId()))
                .body("choices[0].message.content", equalTo("Recovered"));
        assertThat(peer.pollJobs(caller.tenant().id(), Duration.ofMillis(100))).isEmpty();
    }

    /** The row is committed and the gateway does not know: whoever asks again gets the answer of the job that the row holds. */
    @Test
    void aRequestWhoseCommitWasNotAcknowledgedIsOneJobWithOneAnswer() throws Exception {
        // given: the key goes to PostgreSQL to be looked for, and again with the row
        CutWire wire = GatewayTestResource.get().postgresWire();
        wire.loseCommitOf(caller.key(), 2);

        // when
        caller.post(false).then().statusCode(503).header("retry-after", notNullValue());

        // then
        assertThat(wire.lost()).isTrue();
        assertThat(peer.pollJobs(caller.tenant().id(), Duration.ofMillis(300))).isEmpty();
        assertThat(reservations()).as("what the job may come to is held").isEqualTo(1);
        CompletableFuture<Response> asked = async(() -> caller.post(false));
        expireHolder();
        JobSubmitted job = peer.awaitJob(caller.tenant().id());
        peer.answer(job, "Once");
        for (Response answer : List.of(get(asked), caller.post(false))) {
            answer.then()
                    .statusCode(200)
                    .body("id", equalTo("chatcmpl-" + job.getJobId()))
                    .body("choices[0].message.content", equalTo("Once"));
        }
        assertThat(peer.pollJobs(caller.tenant().id(), Duration.ofMillis(300))).isEmpty();
    }

    @Test
    void aRequestThatSurelyWasNotCommittedHoldsNothingOfTheLimits() throws Exception {
        // given
        CutWire wire = GatewayTestResource.get().postgresWire();
        wire.lose(caller.key(), 2);

        // when
        caller.post(false).then().statusCode(503).header("retry-after", notNullValue());

        // then
        assertThat(wire.lost()).isTrue();
        awaitNothingHeld();
        CompletableFuture<Response> again = async(() -> caller.post(false));
        peer.answer(peer.awaitJob(caller.tenant().id()), "Now");
        get(again).then().statusCode(200).body("choices[0].message.content", equalTo("Now"));
    }

    @Test
    void anAnswerThatCannotBeKeptWhenItIsWholeIsKeptAsSoonAsTheDatabaseIsThere() throws Exception {
        CompletableFuture<Response> asked = async(() -> caller.post(false));
        JobSubmitted job = peer.awaitJob(caller.tenant().id());
        GatewayTestResource.get().postgresWire().cut();
        try {
            peer.answer(job, "Kept");
            get(asked).then().statusCode(200);
            Thread.sleep(1_000);
        } finally {
            GatewayTestResource.get().postgresWire().heal();
        }

        caller.awaitKept(db);
        caller.post(false)
                .then()
                .header("idempotent-replayed", equalTo("true"))
                .body("id", equalTo("chatcmpl-" + job.getJobId()));
    }

    private void awaitNothingHeld() throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (reservations() > 0) {
            assertThat(System.nanoTime()).as("a reservation is held").isLessThan(end);
            Thread.sleep(50);
        }
    }

    private int reservations() throws Exception {
        try (var superuser = GatewayTestResource.get().superuser();
                var statement = superuser.createStatement();
                var row = statement.executeQuery("SELECT count(*) FROM reservation WHERE held AND tenant_id = '"
                        + caller.tenant().id() + "'")) {
            row.next();
            return row.getInt(1);
        }
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

        try (Sse stream = Sse.post(PATH, caller.tenant().key(), Served.chat(true), caller.header())) {
            List<String> lines = stream.rest();
            assertThat(text(lines)).isEqualTo("Before and after");
        }
    }

    @Test
    void aGatewayThatStopsLeavesItsRequestsToTheOthers() throws Exception {
        CompletableFuture<Response> asked = async(() -> caller.post(false));
        JobSubmitted job = peer.awaitJob(caller.tenant().id());

        idempotent.handOver();

        get(asked).then().statusCode(503).body("error.code", equalTo("shutting_down"));
        CompletableFuture<Response> again = async(() -> caller.post(false));
        assertThat(peer.awaitJob(caller.tenant().id())).isEqualTo(job);
        peer.answer(job, "Handed over");
        get(again).then().statusCode(200).body("choices[0].message.content", equalTo("Handed over"));
    }

    /** A row as a gateway leaves it that accepted a request and died. */
    private JobSubmitted orphan(int heldForSeconds) {
        boolean stream = heldForSeconds > 0;
        JobId id = JobId.create(System.currentTimeMillis(), new Random());
        JobSubmitted job = JobSubmitted.newBuilder()
                .setJobId(id.toString())
                .setPool("default")
                .setModel(Served.MODEL)
                .setTenantId(caller.tenant().id())
                .setProjectId("default")
                .addAllPromptTokens(List.of(1, 2, 3))
                .setStream(stream)
                .setLicenceEpoch(Long.MAX_VALUE / 2)
                .setReplyTo(ReplyAddress.newBuilder().setPartition(11).setNonce(987654321))
                .build();
        RequestKey named = caller.requestKey(stream);
        boolean inserted = db.tenant(
                caller.tenant().id(),
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
        sql("UPDATE idempotent_request SET held_until = now() - interval '1 second' WHERE key = '" + caller.key()
                + "'");
    }
}
