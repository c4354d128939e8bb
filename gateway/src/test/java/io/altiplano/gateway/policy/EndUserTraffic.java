package io.altiplano.gateway.policy;

import static io.restassured.RestAssured.given;

import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** End users as tests let them come. */
final class EndUserTraffic {
    private EndUserTraffic() {}

    /** Numbered users of a tenant, from one number to before another. */
    static void see(EndUsers users, String tenant, int from, int to) {
        for (int i = from; i < to; i++) {
            users.seen(tenant, "user-" + i);
        }
    }

    /** One request, answered; its job. */
    static JobSubmitted chat(KafkaPeer peer, Served.Tenant tenant, Map<String, Object> more) throws Exception {
        Map<String, Object> body = new HashMap<>(Served.chat(false));
        body.putAll(more);
        CompletableFuture<Response> asked =
                CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                        .contentType(ContentType.JSON)
                        .body(body)
                        .post("/v1/chat/completions"));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "x");
        asked.get(30, TimeUnit.SECONDS).then().statusCode(200);
        return job;
    }
}
