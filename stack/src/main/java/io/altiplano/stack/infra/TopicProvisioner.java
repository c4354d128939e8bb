package io.altiplano.stack.infra;

import io.altiplano.contracts.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Creates the platform's topics under a prefix and the access lists that make the design's table true: one kind of
 * writer a topic, and an operator who may write again what was written there. What is there already is left as it is, so that running it twice is running it once.
 *
 * <p>Beyond the table the scheduler owns topics and groups whose names begin with {@code <prefix>scheduler} (Kafka
 * Streams' changelogs), gateways groups that begin with {@code <prefix>gateway}, workers with {@code <prefix>worker}.
 */
public final class TopicProvisioner {
    /** Partitions of the topics keyed by pool. */
    public static final int POOL_PARTITIONS = 4;
    /** Partitions of replies and notices, and the most workers of a pool. */
    public static final int REPLY_PARTITIONS = 16;

    private static final Duration CONTENT = Duration.ofHours(48);
    private static final Duration THIRTEEN_MONTHS = Duration.ofDays(13 * 31);
    private static final Duration SHORT = Duration.ofHours(1);

    /** Who says what it could not take in, and who says what became of it. */
    private static final List<String> DEAD_LETTER_WRITERS = List.of("gateway", "scheduler", "worker", "operator");

    private final Admin admin;
    private final Topics topics;

    /** With a client that may create topics and access lists. */
    public TopicProvisioner(Admin admin, Topics topics) {
        this.admin = admin;
        this.topics = topics;
    }

    /**
     * Who the services are to the broker.
     *
     * @param gateway principal of the gateways
     * @param scheduler principal of the schedulers
     * @param worker principal of the workers
     * @param operator principal of a person who replays dead letters; no service's
     */
    public record Principals(String gateway, String scheduler, String worker, String operator) {
        /** Named after their services. */
        public static final Principals DEFAULT = new Principals("gateway", "scheduler", "worker", "operator");
    }

    /** Creates what is missing for these pools and waits until the broker has it. */
    public void provision(Collection<String> pools, Principals principals) {
        createTopics(pools);
        allow(admin, accessLists(pools, principals));
    }

    /** The controller acknowledges access lists before the brokers go by them, so their word is waited for too. */
    private static void allow(Admin admin, List<AclBinding> acls) {
        await("create Kafka's access lists", admin.createAcls(acls).all());
        Waiting.until(
                "Kafka's access lists being in force",
                null,
                Duration.ofSeconds(30),
                () -> Set.copyOf(await(
                                "read Kafka's access lists",
                                admin.describeAcls(AclBindingFilter.ANY).values()))
                        .containsAll(acls));
    }

    /** Creates the topics alone. */
    public void createTopics(Collection<String> pools) {
        List<NewTopic> wanted = new ArrayList<>();
        wanted.add(topic(topics.submissions(), POOL_PARTITIONS, CONTENT));
        wanted.add(topic(topics.attempts(), POOL_PARTITIONS, CONTENT));
        wanted.add(topic(topics.workers(), POOL_PARTITIONS, SHORT));
        wanted.add(topic(topics.jobs(), POOL_PARTITIONS, THIRTEEN_MONTHS));
        wanted.add(topic(topics.replies(), REPLY_PARTITIONS, SHORT));
        wanted.add(topic(topics.notices(), REPLY_PARTITIONS, SHORT));
        for (String writer : DEAD_LETTER_WRITERS) {
            wanted.add(topic(topics.deadLetters(writer), 1, THIRTEEN_MONTHS));
        }
        for (String pool : new TreeSet<>(pools)) {
            wanted.add(topic(topics.work(pool), REPLY_PARTITIONS, CONTENT));
        }
        Set<String> there = await("list Kafka's topics", admin.listTopics().names());
        List<NewTopic> missing =
                wanted.stream().filter(t -> !there.contains(t.name())).toList();
        admin.createTopics(missing).values().forEach((name, created) -> {
            try {
                await("create topic " + name, created);
            } catch (InfraException e) {
                // Another starter of the platform was quicker.
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw e;
                }
            }
        });
    }

    private static <T> T await(String what, KafkaFuture<T> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new InfraException("cannot " + what + ": " + e.getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted while trying to " + what, e);
        }
    }

    private static NewTopic topic(String name, int partitions, Duration retention) {
        // A segment is deleted whole, so a segment must close well within the time it may be kept.
        long segment = Math.min(Duration.ofDays(1).toMillis(), retention.toMillis() / 2);
        return new NewTopic(name, Optional.of(partitions), Optional.empty())
                .configs(Map.of(
                        "cleanup.policy", "delete",
                        "retention.ms", Long.toString(retention.toMillis()),
                        "segment.ms", Long.toString(segment)));
    }

    private List<AclBinding> accessLists(Collection<String> pools, Principals who) {
        List<AclBinding> acls = new ArrayList<>();
        List<String> work = new TreeSet<>(pools).stream().map(topics::work).toList();
        write(acls, who.gateway(), List.of(topics.submissions()));
        read(acls, who.gateway(), List.of(topics.replies(), topics.notices(), topics.jobs()));

        read(acls, who.scheduler(), List.of(topics.submissions(), topics.attempts(), topics.workers(), topics.jobs()));
        write(acls, who.scheduler(), List.of(topics.jobs(), topics.notices()));
        write(acls, who.scheduler(), work);
        acls.add(allow(ResourceType.TOPIC, topics.prefix() + "scheduler", who.scheduler(), AclOperation.ALL));

        read(acls, who.worker(), List.of(topics.submissions()));
        read(acls, who.worker(), work);
        write(acls, who.worker(), List.of(topics.attempts(), topics.workers(), topics.replies()));

        write(acls, who.gateway(), List.of(topics.deadLetters("gateway")));
        write(acls, who.scheduler(), List.of(topics.deadLetters("scheduler")));
        write(acls, who.worker(), List.of(topics.deadLetters("worker")));
        // A replay appends to a topic again what its one kind of writer wrote there before.
        List<String> replayable = new ArrayList<>(List.of(
                topics.submissions(),
                topics.attempts(),
                topics.workers(),
                topics.jobs(),
                topics.replies(),
                topics.notices()));
        replayable.addAll(work);
        read(acls, who.operator(), replayable);
        write(acls, who.operator(), replayable);
        read(
                acls,
                who.operator(),
                DEAD_LETTER_WRITERS.stream().map(topics::deadLetters).toList());
        write(acls, who.operator(), List.of(topics.deadLetters("operator")));

        acls.add(allow(ResourceType.GROUP, topics.prefix() + "scheduler", who.scheduler(), AclOperation.ALL));
        acls.add(allow(ResourceType.GROUP, topics.prefix() + "gateway", who.gateway(), AclOperation.ALL));
        acls.add(allow(ResourceType.GROUP, topics.prefix() + "worker", who.worker(), AclOperation.ALL));
        return acls;
    }

    private static void read(List<AclBinding> acls, String principal, List<String> names) {
        for (String name : names) {
            acls.add(literal(name, principal, AclOperation.READ));
            acls.add(literal(name, principal, AclOperation.DESCRIBE_CONFIGS));
        }
    }

    private static void write(List<AclBinding> acls, String principal, List<String> names) {
        for (String name : names) {
            acls.add(literal(name, principal, AclOperation.WRITE));
        }
    }

    private static AclBinding literal(String topic, String principal, AclOperation operation) {
        return binding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL), principal, operation);
    }

    private static AclBinding allow(ResourceType type, String namePrefix, String principal, AclOperation operation) {
        return binding(new ResourcePattern(type, namePrefix, PatternType.PREFIXED), principal, operation);
    }

    /** Lets the services do anything to any topic and group: for the test infrastructure, where prefixes are unknown. */
    public static void allowEverything(Admin admin, Collection<String> principals) {
        List<AclBinding> acls = new ArrayList<>();
        for (String principal : principals) {
            for (ResourceType type : List.of(ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID)) {
                acls.add(binding(
                        new ResourcePattern(type, ResourcePattern.WILDCARD_RESOURCE, PatternType.LITERAL),
                        principal,
                        AclOperation.ALL));
            }
        }
        allow(admin, acls);
    }

    private static AclBinding binding(ResourcePattern resource, String principal, AclOperation operation) {
        return new AclBinding(
                resource, new AccessControlEntry("User:" + principal, "*", operation, AclPermissionType.ALLOW));
    }
}
