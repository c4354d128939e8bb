package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.attest;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** 200 callers while their right ends. Times are of this machine's clock: commit, submission and answer happen on it. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class RevocationRaceTest {
    private static final int CALLERS = 200;
    /** A corrected figure that takes all rights of a licence. */
    private static final long ABOVE = 812_000_000;

    private static final Duration WARM_UP = Duration.ofSeconds(20);
    private static final Duration SECOND = Duration.ofSeconds(1);

    @Inject
    Db db;

    @Inject
    LicenceEngine engine;

    @Inject
    ObjectMapper json;

    @Inject
    Clock clock;

    private volatile boolean going = true;

    private record Refused(int status, long atMillis, String body) {}

    @Test
    void noneIsAdmittedLaterThanASecondAfterTheCommitAndNoneIsRefusedBefore() throws Exception {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("partner");
        ConcurrentLinkedQueue<Refused> refused = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<JobSubmitted> admitted = new ConcurrentLinkedQueue<>();
        long before;
        long after;
        List<Thread> callers = new ArrayList<>();
        try (KafkaPeer peer = new KafkaPeer();
                HttpClient client = HttpClient.newHttpClient()) {
            Thread worker = Thread.ofVirtual().start(() -> {
                while (going) {
                    for (JobSubmitted job : peer.pollJobs(tenant.id(), Duration.ofMillis(50))) {
                        admitted.add(job);
                        peer.answer(job, "yes");
                    }
                }
            });
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + RestAssured.port + "/v1/chat/completions"))
                    .header("Authorization", "Bearer " + tenant.key())
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(json.writeValueAsString(Served.chat(false))))
                    .build();
            for (int i = 0; i < CALLERS; i++) {
                callers.add(Thread.ofVirtual().start(() -> call(client, request, refused)));
            }
            long begun = System.nanoTime();
            while (admitted.size() <= CALLERS) {
                assertThat(System.nanoTime() - begun).isLessThan(WARM_UP.toNanos());
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            }

            before = System.currentTimeMillis();
            attest(tenant.id(), ABOVE).then().statusCode(201);
            after = System.currentTimeMillis();
            LockSupport.parkNanos(Duration.ofSeconds(3).toNanos());
            going = false;
            for (Thread caller : callers) {
                caller.join();
            }
            worker.join();
        }

        long last = admitted.stream()
                .mapToLong(job -> JobId.parse(job.getJobId()).submittedAtMillis())
                .max()
                .orElseThrow();
        long first = refused.stream().mapToLong(Refused::atMillis).min().orElseThrow();
        assertThat(last).isLessThanOrEqualTo(after + SECOND.toMillis());
        assertThat(first).isGreaterThanOrEqualTo(before);
        assertThat(refused).allSatisfy(r -> assertThat(r.status()).as(r.body()).isEqualTo(403));
        assertThat(refused.size()).isGreaterThan(CALLERS);
    }

    private void call(HttpClient client, HttpRequest request, ConcurrentLinkedQueue<Refused> refused) {
        while (going) {
            try {
                HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
                if (answer.statusCode() != 200) {
                    refused.add(new Refused(answer.statusCode(), System.currentTimeMillis(), answer.body()));
                    LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                }
            } catch (Exception e) {
                refused.add(new Refused(-1, System.currentTimeMillis(), e.toString()));
            }
        }
    }

    /** The control: what the race would find if the epoch were never read again. */
    @Test
    void aWatchThatNeverLearnsAdmitsAfterASecond() {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("partner");
        long once = db.platform(LicenceStore::epoch);
        EpochWatch deaf = new EpochWatch(() -> once, System::nanoTime);
        LicenceGate gate = new LicenceGate(db, deaf, engine, json, clock, new Alarm());
        Caller caller = new Caller(tenant.id(), "default", "key_test", Tier.PARTNER, Role.DEVELOPER, "00".repeat(32));
        gate.check(caller, Served.MODEL, "llama-3.1", Use.INFER);

        attest(tenant.id(), ABOVE).then().statusCode(201);
        LockSupport.parkNanos(Duration.ofMillis(1100).toNanos());

        assertThat(gate.check(caller, Served.MODEL, "llama-3.1", Use.INFER))
                .isInstanceOf(LicenceVerdict.Permitted.class);
    }
}
