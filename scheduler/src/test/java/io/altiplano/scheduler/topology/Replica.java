package io.altiplano.scheduler.topology;

import io.altiplano.contracts.Topics;
import io.altiplano.scheduler.Infra;
import io.altiplano.scheduler.core.Effect;
import io.altiplano.scheduler.core.Settings;
import java.time.Duration;
import org.apache.kafka.streams.KafkaStreams;

/**
 * A scheduler in a process of its own, with production's settings, so that it can be killed. Arguments: topic prefix, state folder.
 * Prints a line when it is assigned its part ("running") and for each lease that it grants ("granted JOB").
 */
final class Replica {
    private Replica() {}

    public static void main(String[] args) throws InterruptedException {
        Topics topics = new Topics(args[0]);
        Duration session = Duration.ofSeconds(6);
        StreamsProperties properties =
                new StreamsProperties(topics, Infra.require().kafka("scheduler"), args[1], 1, 1, -1, "", session);
        Observer printing = new Observer() {
            @Override
            public void happened(int partition, Effect.Happened h) {
                if (h.what() == Effect.What.LEASE_GRANTED) {
                    System.out.println("granted " + h.jobId());
                }
            }

            @Override
            public void skipped(String topic, int partition, long offset, String why) {
                System.out.println("skipped " + topic + " " + offset + " " + why);
            }

            @Override
            public void numbers(int partition, Numbers numbers) {}

            @Override
            public void released(int partition) {}
        };
        try (KafkaStreams streams = new KafkaStreams(
                SchedulerTopology.build(topics, Settings.of(5_000), printing, Duration.ofMillis(100), session),
                properties.properties())) {
            streams.setStateListener((now, before) -> {
                if (now == KafkaStreams.State.RUNNING) {
                    System.out.println("running");
                }
            });
            streams.start();
            Thread.currentThread().join();
        }
    }
}
