package io.altiplano.gateway.inference;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.People;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.path.json.JsonPath;
import io.restassured.response.Response;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A key that is revoked ends what it has under way, everywhere within a second, and nothing of other keys. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class RevokedKeyTest extends ChatCase {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();
    private static final int RACERS = 200;

    RevokedKeyTest() {
        super("partner");
    }

    /** The job of a request that is under way, after a first token of its answer. */
    private JobSubmitted begun(Sse stream) {
        stream.nextJson();
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.reply(job, KafkaPeer.delta(job, 0, "begun"));
        stream.nextJson();
        return job;
    }

    @Test
    void whatRunsUnderARevokedKeyEndsWithinASecondAndUnderAnotherGoesOn() throws Exception {
        String other = AdminApi.newKey(tenant.id()).text();
        try (Sse revoked = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            // given: a stream of each key, and a whole answer that is waited for
            JobSubmitted ours = begun(revoked);
            Sse untouched = Sse.post(PATH, other, Served.chat(true));
            JobSubmitted others = begun(untouched);
            CompletableFuture<Response> whole = post(Served.chat(false));
            JobSubmitted waiting = peer.awaitJob(tenant.id());

            // when
            as("admin").delete("/admin/v1/keys/" + ours.getApiKeyId()).then().statusCode(200);
            long ended = System.nanoTime();

            // then
            var error = revoked.nextJson();
            assertThat(System.nanoTime() - ended).isLessThan(SECOND);
            assertThat(error.at("/error/code").asText()).isEqualTo("api_key_revoked");
            Response refused = get(whole);
            assertThat(System.nanoTime() - ended).isLessThan(SECOND);
            assertThat(refused.statusCode()).isEqualTo(401);
            assertThat(refused.<String>path("error.code")).isEqualTo("api_key_revoked");
            assertThat(peer.awaitCancelled(ours).getRelayedTokens()).isEqualTo(5);
            assertThat(peer.awaitCancelled(waiting).getReason()).isEqualTo("api_key_revoked");
            peer.reply(others, KafkaPeer.delta(others, 5, "still here"));
            assertThat(untouched.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("still here");
            untouched.close();
        }
    }

    @Test
    void whatRunsInAProjectThatIsArchivedEndsToo() throws Exception {
        String owner = tenant.id() + "-owner";
        People.join(tenant.id(), owner, "owner");
        String project = People.person(owner)
                .body(Map.of("name", "Trial"))
                .post("/v1/organization/projects")
                .path("id");
        String key = People.createKey(owner, project).path("value");
        try (Sse stream = Sse.post(PATH, key, Served.chat(true))) {
            JobSubmitted job = begun(stream);

            People.person(owner)
                    .post("/v1/organization/projects/" + project + "/archive")
                    .then()
                    .statusCode(200);

            assertThat(stream.nextJson().at("/error/code").asText()).isEqualTo("api_key_revoked");
            assertThat(peer.awaitCancelled(job).getReason()).isEqualTo("api_key_revoked");
        }
    }

    @Test
    void whatRunsUnderAKeyThatExpiresGoesOn() throws Exception {
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted job = begun(stream);

            as("admin")
                    .body(Map.of("overlap_seconds", 1))
                    .post("/admin/v1/keys/" + job.getApiKeyId() + "/rotate")
                    .then()
                    .statusCode(201);
            await401();
            Thread.sleep(1_000);

            peer.reply(job, KafkaPeer.delta(job, 5, "to the end"));
            assertThat(stream.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("to the end");
        }
    }

    private void await401() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (given().header("Authorization", "Bearer " + tenant.key())
                        .get("/v1/models")
                        .statusCode()
                != 401) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.sleep(50);
        }
    }

    /** A request of the race, in nanoseconds. */
    private record Racer(HttpResponse<String> response, long began, long ended) {
        String code() {
            return JsonPath.from(response.body()).getString("error.code");
        }
    }

    private record Race(List<Racer> racers, long revoked) {}

    /** Requests that nobody answers, before, during and after the revocation of their key. */
    private Race race(String key, int racers) throws InterruptedException {
        String id = peerless(key).getApiKeyId();
        ConcurrentLinkedQueue<Racer> ends = new ConcurrentLinkedQueue<>();
        long revoked;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                HttpClient client = HttpClient.newHttpClient()) {
            Runnable racer = () -> {
                long began = System.nanoTime();
                HttpResponse<String> response = ask(client, key);
                ends.add(new Racer(response, began, System.nanoTime()));
            };
            for (int i = 0; i < racers / 2; i++) {
                threads.execute(racer);
                Thread.sleep(10);
            }
            as("admin").delete("/admin/v1/keys/" + id).then().statusCode(200);
            revoked = System.nanoTime();
            for (int i = 0; i < racers / 2; i++) {
                threads.execute(racer);
                Thread.sleep(15);
            }
        }
        return new Race(List.copyOf(ends), revoked);
    }

    @Test
    void ofTwoHundredRequestsThatRaceTheRevocationNoneIsUnderWayASecondLater() throws Exception {
        // given: a gateway that has compiled what it needs for so many at once
        assertThat(race(AdminApi.newKey(tenant.id()).text(), RACERS / 2).racers())
                .hasSize(RACERS / 2);
        var unused = peer.pollJobs(tenant.id(), Duration.ofMillis(500));

        // when
        Race race = race(tenant.key(), RACERS);

        // then: what was let in ended within a second, and a second later nothing is let in
        assertThat(race.racers()).hasSize(RACERS).allMatch(r -> r.response.statusCode() == 401);
        Map<String, List<Racer>> byCode = race.racers().stream().collect(Collectors.groupingBy(Racer::code));
        assertThat(byCode).containsOnlyKeys("api_key_revoked", "invalid_api_key");
        assertThat(byCode.get("api_key_revoked"))
                .allMatch(r -> r.ended - Math.max(r.began, race.revoked()) < SECOND)
                .allMatch(r -> r.began - race.revoked() < SECOND);
        List<JobSubmitted> jobs = peer.pollJobs(tenant.id(), Duration.ofMillis(500));
        assertThat(jobs).isNotEmpty();
        jobs.forEach(job -> assertThat(peer.awaitCancelled(job).getReason()).isEqualTo("api_key_revoked"));
    }

    /** By a client that costs little: two hundred go at once. */
    private HttpResponse<String> ask(HttpClient client, String key) {
        try {
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create(RestAssured.baseURI + ":" + RestAssured.port + PATH))
                    .header("Authorization", "Bearer " + key)
                    .header("Content-Type", "application/json")
                    .timeout(Duration.ofSeconds(20))
                    .POST(HttpRequest.BodyPublishers.ofString(
                            new ObjectMapper().writeValueAsString(Served.chat(false))))
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A job of a key whose client has gone. */
    private JobSubmitted peerless(String key) {
        try (Sse stream = Sse.post(PATH, key, Served.chat(true))) {
            return begun(stream);
        }
    }
}
