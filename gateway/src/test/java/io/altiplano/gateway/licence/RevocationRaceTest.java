package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.as;
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
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * 200 callers while their right ends, or their tenant falls to a lower tier. Times are of this machine's clock: commit, submission
 * and answer happen on it.
 */
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
    private volatile boolean answering = true;

    private record Refused(int status, long atMillis, String body) {}

    /** What came of the callers' requests; the change was asked for and done between the two moments, in Unix milliseconds. */
    private record Race(List<JobSubmitted> admitted, List<Refused> refused, long before, long after) {
        /** When the last of these was admitted. */
        long last(Predicate<JobSubmitted> which) {
            return times(which).max().orElseThrow();
        }

        long first(Predicate<JobSubmitted> which) {
            return times(which).min().orElseThrow();
        }

        private LongStream times(Predicate<JobSubmitted> which) {
            return admitted.stream()
                    .filter(which)
                    .mapToLong(job -> JobId.parse(job.getJobId()).submittedAtMillis());
        }
    }

    /** Has all callers ask again and again, each answered at once, while something is changed, and for 3 s after that. */
    private Race race(Served.Tenant tenant, Runnable change) throws Exception {
        ConcurrentLinkedQueue<Refused> refused = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<JobSubmitted> admitted = new ConcurrentLinkedQueue<>();
        List<Thread> callers = new ArrayList<>();
        try (KafkaPeer peer = new KafkaPeer();
                HttpClient client = HttpClient.newHttpClient()) {
            Thread worker = Thread.ofVirtual().start(() -> {
                while (answering) {
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

            long before = System.currentTimeMillis();
            change.run();
            long after = System.currentTimeMillis();
            LockSupport.parkNanos(Duration.ofSeconds(3).toNanos());
            going = false;
            for (Thread caller : callers) {
                caller.join();
            }
            answering = false;
            worker.join();
            return new Race(List.copyOf(admitted), List.copyOf(refused), before, after);
        }
    }

    @Test
    void noneIsAdmittedLaterThanASecondAfterTheCommitAndNoneIsRefusedBefore() throws Exception {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("partner");

        Race race = race(tenant, () -> attest(tenant.id(), ABOVE).then().statusCode(201));

        assertThat(race.last(job -> true)).isLessThanOrEqualTo(race.after() + SECOND.toMillis());
        assertThat(race.refused())
                .hasSizeGreaterThan(CALLERS)
                .allSatisfy(r -> assertThat(r.status()).as(r.body()).isEqualTo(403))
                .allMatch(r -> r.atMillis() >= race.before());
    }

    @Test
    void noneIsAdmittedByTheOldPlanLaterThanASecondAfterADowngradeAndNoneByTheNewOneBefore() throws Exception {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("partner");

        Race race = race(
                tenant,
                () -> as("officer-a")
                        .body(Map.of("tier", "community", "reason", "contract ended"))
                        .post("/admin/v1/tenants/" + tenant.id() + "/tier")
                        .then()
                        .statusCode(200));

        assertThat(race.last(RevocationRaceTest::byThePartnersPlan))
                .isLessThanOrEqualTo(race.after() + SECOND.toMillis());
        assertThat(race.first(job -> !byThePartnersPlan(job))).isGreaterThanOrEqualTo(race.before());
        // The community's plan has fewer places than there are callers.
        assertThat(race.refused())
                .isNotEmpty()
                .allSatisfy(r -> assertThat(r.status()).as(r.body()).isEqualTo(429))
                .allMatch(r -> r.atMillis() >= race.before());
    }

    private static boolean byThePartnersPlan(JobSubmitted job) {
        return job.getWeight() == 4 && job.getTenantRunningLimit() == 4_096;
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
