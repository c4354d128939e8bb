package io.altiplano.stack.infra;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The design's topic table, on a real broker: who may write what, and how long it is kept. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TopicProvisionerTest {
    private static final String PASSWORD = "a-password-for-this-test";
    private static final List<String> SERVICES = List.of("gateway", "scheduler", "worker", "operator");

    private final String run = UUID.randomUUID().toString().substring(0, 8);
    private final Topics topics = new Topics("acl-" + run + "-");
    private final Properties infra = TestInfra.properties();
    private final Admin admin = Admin.create(
            config("admin", infra.getProperty("kafka.admin.password")).common());

    @BeforeAll
    void provisionForPrincipalsThatNothingElseNames() throws Exception {
        for (String service : SERVICES) {
            admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
                            principal(service), new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), PASSWORD)))
                    .all()
                    .get();
        }
        provision();
    }

    @AfterAll
    void close() throws Exception {
        admin.deleteTopics(admin.listTopics().names().get().stream()
                        .filter(t -> t.startsWith(topics.prefix()))
                        .toList())
                .all()
                .get();
        admin.close();
    }

    @ParameterizedTest
    @CsvSource({
        "submissions, gateway, scheduler worker",
        "attempts, worker, scheduler",
        "workers, worker, scheduler",
        "jobs, scheduler, scheduler gateway",
        "work.default, scheduler, worker",
        "replies, worker, gateway",
        "notices, scheduler, gateway",
        "dead-letters.gateway, gateway, ''",
        "dead-letters.scheduler, scheduler, ''",
        "dead-letters.worker, worker, ''",
        "dead-letters.operator, operator, ''"
    })
    void aTopicHasOneKindOfWriterAndItsReadersAlone(String topic, String writer, String readers) {
        for (String service : SERVICES) {
            // when
            boolean written = mayWrite(service, topics.prefix() + topic);
            boolean read = mayRead(service, topics.prefix() + topic);

            // then: an operator replays what was written, and reads all; its own words are no service's to write
            boolean operator = service.equals("operator");
            boolean replayed = operator && !topic.startsWith("dead-letters.");
            assertThat(written).as("%s writes %s", service, topic).isEqualTo(service.equals(writer) || replayed);
            assertThat(read)
                    .as("%s reads %s", service, topic)
                    .isEqualTo(operator || List.of(readers.split(" ")).contains(service));
        }
    }

    @ParameterizedTest
    @CsvSource({"scheduler, scheduler", "gateway-usage, gateway", "worker-x, worker"})
    void aGroupIsItsOwnServices(String group, String owner) throws Exception {
        for (String service : SERVICES) {
            // when
            boolean joined = mayJoin(service, topics.prefix() + group);

            // then
            assertThat(joined).as("%s joins %s", service, group).isEqualTo(service.equals(owner));
        }
    }

    @Test
    void theSchedulerMakesItsOwnChangelogsAndNobodyElseMakesATopic() throws Exception {
        for (String service : SERVICES) {
            String name = topics.prefix() + "scheduler-" + service + "-changelog";
            try (Admin own = Admin.create(config(principal(service), PASSWORD).common())) {
                Throwable refusal = catchThrowable(
                        () -> own.createTopics(List.of(new NewTopic(name, Optional.of(1), Optional.empty())))
                                .all()
                                .get());
                if (service.equals("scheduler")) {
                    assertThat(refusal).isNull();
                } else {
                    assertThat(refusal).hasCauseInstanceOf(AuthorizationException.class);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "submissions, 4, 48",
        "attempts, 4, 48",
        "workers, 4, 1",
        "jobs, 4, 9672",
        "work.default, 16, 48",
        "replies, 16, 1",
        "notices, 16, 1",
        "dead-letters.worker, 1, 9672",
        "dead-letters.operator, 1, 9672"
    })
    void aTopicHasItsPartitionsAndRetention(String topic, int partitions, long hours) throws Exception {
        // given
        String name = topics.prefix() + topic;
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, name);

        // when
        var description =
                admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
        var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);

        // then
        assertThat(Objects.requireNonNull(description).partitions()).hasSize(partitions);
        Objects.requireNonNull(config);
        assertThat(config.get("retention.ms").value()).isEqualTo(Long.toString(hours * 3_600_000));
        assertThat(Long.parseLong(config.get("segment.ms").value())).isLessThan(hours * 3_600_000);
    }

    @Test
    void provisioningTwiceIsProvisioningOnce() throws Exception {
        // given
        var before = admin.listTopics().names().get();

        // when
        provision();

        // then
        assertThat(admin.listTopics().names().get()).isEqualTo(before);
    }

    private void provision() {
        new TopicProvisioner(admin, topics)
                .provision(
                        List.of("default"),
                        new TopicProvisioner.Principals(
                                principal("gateway"),
                                principal("scheduler"),
                                principal("worker"),
                                principal("operator")));
    }

    private boolean mayRead(String service, String topic) {
        Map<String, Object> properties = config(principal(service), PASSWORD).consumer();
        properties.put("default.api.timeout.ms", 20_000);
        TopicPartition partition = new TopicPartition(topic, 0);
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            // What a topic's access list tells a reader comes with its first fetch.
            long until = System.nanoTime() + Duration.ofMillis(600).toNanos();
            do {
                consumer.poll(Duration.ofMillis(200));
            } while (consumer.position(partition) == 0 && System.nanoTime() - until < 0);
            return true;
        } catch (TopicAuthorizationException e) {
            return false;
        }
    }

    private boolean mayJoin(String service, String group) throws InterruptedException {
        try (Admin own = Admin.create(config(principal(service), PASSWORD).common())) {
            own.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            return true;
        } catch (ExecutionException e) {
            assertThat(e.getCause()).isInstanceOf(GroupAuthorizationException.class);
            return false;
        }
    }

    private boolean mayWrite(String service, String topic) {
        Map<String, Object> properties = config(principal(service), PASSWORD).producer();
        properties.put("enable.idempotence", false);
        try (var producer = new KafkaProducer<>(properties, new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(topic, "pool", new byte[] {1})).get();
            return true;
        } catch (ExecutionException e) {
            assertThat(e.getCause()).isInstanceOf(TopicAuthorizationException.class);
            return false;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private String principal(String service) {
        return service.toLowerCase(Locale.ROOT) + "-" + run;
    }

    private KafkaConfig config(String username, String password) {
        return new KafkaConfig(
                infra.getProperty("kafka.bootstrap"),
                infra.getProperty("kafka.security"),
                infra.getProperty("kafka.mechanism"),
                username,
                password);
    }
}
