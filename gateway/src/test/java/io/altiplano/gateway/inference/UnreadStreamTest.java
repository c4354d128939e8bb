package io.altiplano.gateway.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A client that asks for a stream and never reads it. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class UnreadStreamTest extends ChatCase {
    /** Tokens a delta; each is some hundred bytes of the stream, since logprobs are asked for. */
    private static final int PIECE = 1000;

    /** Far more than socket buffers and the gateway's bound hold together. */
    private static final int MOST_PIECES = 500;

    UnreadStreamTest() {
        super("partner");
    }

    @Test
    void aStreamThatNobodyReadsIsCutOffItsJobCancelledAndOthersGoOn() {
        Map<String, Object> request = new HashMap<>(Served.chat(true));
        request.put("logprobs", true);
        try (Sse unread = Sse.post(PATH, tenant.key(), request)) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            Thread flood = Thread.ofVirtual().start(() -> flood(job));

            var cancelled = peer.awaitCancelled(job);

            assertThat(cancelled.getReason()).isEqualTo("slow_reader");
            // It was given what was sent and what it left unread, and not all that came.
            assertThat(cancelled.getRelayedTokens()).isBetween(PIECE, MOST_PIECES * PIECE / 2);
            another();
            flood.interrupt();
            List<String> rest = unread.rest();
            assertThat(rest.getLast()).contains("slow_reader");
        }
    }

    @Test
    void aStreamOfTheSameLengthThatIsReadIsNotCutOff() {
        Map<String, Object> request = new HashMap<>(Served.chat(true));
        request.put("logprobs", true);
        int pieces = 40;
        try (Sse read = Sse.post(PATH, tenant.key(), request)) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            Thread sender = Thread.ofVirtual().start(() -> {
                for (int i = 0; i < pieces; i++) {
                    peer.reply(job, KafkaPeer.delta(job, i * PIECE, "x".repeat(PIECE)));
                    pause(20);
                }
                peer.reply(job, KafkaPeer.last(job, pieces * PIECE));
            });

            List<String> all = read.rest();

            join(sender);
            assertThat(all.getLast()).isEqualTo("data: [DONE]");
        }
    }

    private void flood(JobSubmitted job) {
        for (int i = 0; i < MOST_PIECES && !Thread.currentThread().isInterrupted(); i++) {
            peer.reply(job, KafkaPeer.delta(job, i * PIECE, "x".repeat(PIECE)));
            pause(10);
        }
    }

    private void another() {
        try (Sse other = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            peer.answer(job, "fine");
            assertThat(other.rest().getLast()).isEqualTo("data: [DONE]");
        }
    }

    private static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
