package io.altiplano.scheduler.topology;

import io.altiplano.contracts.Codec;
import io.altiplano.contracts.Topics;
import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;

/**
 * What flows where. Four co-partitioned sources, one processor, three sinks; {@code jobs} is both, which is how a decision
 * comes back to its own partition:
 *
 * <pre>
 * submissions ─┐                      ┌─▶ jobs (same partition) ──┐
 * attempts ────┼─▶ core ◀─▶ store ────┼─▶ work.&lt;pool&gt; (ordinal)   │
 * workers ─────┤                      └─▶ notices (reply partition)
 * jobs ◀───────┴──────────────────────────────────────────────────┘
 * </pre>
 */
public final class SchedulerTopology {
    /** The one store: one changelog keeps the order of all changes. */
    public static final String STORE = "state";

    static final String JOBS_SINK = "to-jobs";
    static final String WORK_SINK = "to-work";
    static final String NOTICES_SINK = "to-notices";
    private static final String CORE = "core";

    private SchedulerTopology() {}

    /** The topology over one prefix's topics. */
    public static Topology build(Topics topics, Settings settings, Observer observer, Duration tick, Duration session) {
        StringDeserializer key = new StringDeserializer();
        StringSerializer keyOut = new StringSerializer();
        return new Topology()
                .addSource("from-submissions", key, Topics.SUBMISSION.deserializer(), topics.submissions())
                .addSource("from-attempts", key, Topics.ATTEMPT.deserializer(), topics.attempts())
                .addSource("from-workers", key, Topics.WORKER.deserializer(), topics.workers())
                .addSource("from-jobs", key, Topics.JOB.deserializer(), topics.jobs())
                .addProcessor(
                        CORE,
                        () -> new SchedulerProcessor(settings, observer, tick, session),
                        "from-submissions",
                        "from-attempts",
                        "from-workers",
                        "from-jobs")
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                        Stores.inMemoryKeyValueStore(STORE),
                                        Serdes.String(),
                                        Codec.of(StoredEntry.getDefaultInstance())
                                                .serde())
                                .withLoggingEnabled(Map.of("cleanup.policy", "compact"))
                                .withCachingDisabled(),
                        CORE)
                .addSink(JOBS_SINK, topics.jobs(), keyOut, Outgoing.SERIALIZER, Outgoing.PARTITIONER, CORE)
                .addSink(
                        WORK_SINK,
                        (pool, value, context) -> topics.work(pool),
                        keyOut,
                        Outgoing.SERIALIZER,
                        Outgoing.PARTITIONER,
                        CORE)
                .addSink(NOTICES_SINK, topics.notices(), keyOut, Outgoing.SERIALIZER, Outgoing.PARTITIONER, CORE);
    }
}
