package io.altiplano.scheduler;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** Topics of one test, under a prefix of its own, deleted at its end. */
public final class TestTopics implements AutoCloseable {
    private final Admin admin;
    private final Topics topics;

    public TestTopics(KafkaConfig kafka, Topics topics) throws ExecutionException, InterruptedException {
        this.admin = Admin.create(kafka.common());
        this.topics = topics;
        List<NewTopic> wanted = new ArrayList<>();
        for (String name : List.of(topics.submissions(), topics.attempts(), topics.workers(), topics.jobs())) {
            wanted.add(new NewTopic(name, Optional.of(4), Optional.empty()));
        }
        for (String name : List.of(topics.notices(), topics.work(Samples.POOL))) {
            wanted.add(new NewTopic(name, Optional.of(16), Optional.empty()));
        }
        wanted.add(new NewTopic(topics.deadLetters("scheduler"), Optional.of(1), Optional.empty()));
        admin.createTopics(wanted).all().get();
    }

    @Override
    public void close() throws ExecutionException, InterruptedException {
        try (admin) {
            Set<String> all = admin.listTopics().names().get();
            admin.deleteTopics(all.stream()
                            .filter(t -> t.startsWith(topics.prefix()))
                            .toList())
                    .all()
                    .get();
        }
    }
}
