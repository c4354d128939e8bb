package io.altiplano.gateway.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.config.ClockSetBack;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ClockSetBackTest extends ChatCase {
    @Inject
    Event<ClockSetBack> clock;

    /** A producer's thread lives as long as the producer. */
    private static Set<Long> producers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().endsWith("| gateway-submissions") && t.isAlive())
                .map(Thread::threadId)
                .collect(Collectors.toSet());
    }

    /** When a consumer was made, as it tells; -1 while there is none. */
    private static long madeAt(String client) {
        try {
            ObjectName name = new ObjectName("kafka.consumer:type=app-info,id=" + client);
            return (Long) ManagementFactory.getPlatformMBeanServer().getAttribute(name, "StartTimeMs");
        } catch (InstanceNotFoundException e) {
            return -1;
        } catch (JMException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitAnother(String client, long before) {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (madeAt(client) <= before) {
            assertThat(System.nanoTime()).as("no other %s", client).isLessThan(end);
            LockSupport.parkNanos(20_000_000);
        }
    }

    @Test
    void clientsForKafkaBeginAnewAndNeitherOpenNorLaterAnswersNotice() {
        Set<Long> before;
        try (Sse open = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            // given: an answer under way
            JobSubmitted first = peer.awaitJob(tenant.id());
            before = producers();
            assertThat(before).isNotEmpty();
            open.nextJson();
            peer.reply(first, KafkaPeer.delta(first, 0, "before "));
            assertThat(open.nextJson().at("/choices/0/delta/content").asText()).isEqualTo("before ");

            long replies = madeAt("gateway-replies");
            long usage = madeAt("gateway-usage");
            assertThat(replies).isPositive();

            // when
            clock.fire(new ClockSetBack(Duration.ofMinutes(5)));
            awaitAnother("gateway-replies", replies);
            awaitAnother("gateway-usage", usage);
            peer.reply(first, KafkaPeer.delta(first, 7, "after"), KafkaPeer.last(first, 12));

            // then
            assertThat(open.nextJson().at("/choices/0/delta/content").asText()).isEqualTo("after");
            assertThat(open.rest()).last().isEqualTo("data: [DONE]");
        }
        try (Sse next = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            peer.answer(peer.awaitJob(tenant.id()), "and on");
            assertThat(next.rest()).last().isEqualTo("data: [DONE]");
        }
        assertThat(producers()).as("a new producer").anyMatch(thread -> !before.contains(thread));
    }
}
