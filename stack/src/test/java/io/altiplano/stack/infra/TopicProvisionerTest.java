package io.altiplano.stack.infra;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicAuthorizationException;
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

    private final String run = UUID.randomUUID().toString().substring(0, 8);
    private final Topics topics = new Topics("acl-" + run + "-");
    private final Properties infra = TestInfra.properties();
    private final Admin admin = Admin.create(
            config("admin", infra.getProperty("kafka.admin.password")).common());

    @BeforeAll
    void provisionForPrincipalsThatNothingElseNames() throws Exception {
        for (String service : List.of("gateway", "scheduler", "worker")) {
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
        "submissions, gateway",
        "attempts, worker",
        "workers, worker",
        "jobs, scheduler",
        "work.default, scheduler",
        "replies, worker",
        "notices, scheduler"
    })
    void aTopicHasOneKindOfWriter(String topic, String writer) {
        for (String service : List.of("gateway", "scheduler", "worker")) {
            // when
            boolean written = mayWrite(service, topics.prefix() + topic);

            // then
            assertThat(written).as("%s writes %s", service, topic).isEqualTo(service.equals(writer));
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
        "notices, 16, 1"
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
                                principal("gateway"), principal("scheduler"), principal("worker")));
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
