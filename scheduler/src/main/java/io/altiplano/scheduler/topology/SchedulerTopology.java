package io.altiplano.scheduler.topology;

import io.altiplano.contracts.Codec;
import io.altiplano.contracts.Topics;
import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.Stores;

/**
 * What flows where. Four co-partitioned sources, one processor, four sinks; {@code jobs} is both, which is how a decision
 * comes back to its own partition:
 *
 * <pre>
 * submissions ─┐                      ┌─▶ jobs (same partition) ──┐
 * attempts ────┼─▶ core ◀─▶ store ────┼─▶ work.&lt;pool&gt; (ordinal)   │
 * workers ─────┤                      ├─▶ notices (reply partition)
 * jobs ◀───────┴──────────────────────┼───────────────────────────┘
 *                                     └─▶ dead-letters.scheduler: what could not be taken in
 * </pre>
 */
public final class SchedulerTopology {
    /** The one store: one changelog keeps the order of all changes. */
    public static final String STORE = "state";

    /** A successor's entry stays in the changelog for longer than a replaced scheduler may still write over it. */
    private static final Duration COMPACTION_LAG = Duration.ofMinutes(10);

    static final String JOBS_SINK = "to-jobs";
    static final String WORK_SINK = "to-work";
    static final String NOTICES_SINK = "to-notices";
    static final String DEAD_LETTERS_SINK = "to-dead-letters";
    private static final String CORE = "core";

    private SchedulerTopology() {}

    /** The topology over one prefix's topics. */
    public static Topology build(Topics topics, Settings settings, Observer observer, Duration tick, Duration session) {
        Inputs inputs = new Inputs(topics);
        return build(topics, () -> new SchedulerProcessor(inputs, settings, observer, tick, session));
    }

    static Topology build(Topics topics, ProcessorSupplier<String, byte[], String, Outgoing> cores) {
        StringDeserializer key = new StringDeserializer();
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        StringSerializer keyOut = new StringSerializer();
        return new Topology()
                .addSource("from-submissions", key, bytes, topics.submissions())
                .addSource("from-attempts", key, bytes, topics.attempts())
                .addSource("from-workers", key, bytes, topics.workers())
                .addSource("from-jobs", key, bytes, topics.jobs())
                .addProcessor(CORE, cores, "from-submissions", "from-attempts", "from-workers", "from-jobs")
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                        NewestStore.supplier(STORE),
                                        Serdes.String(),
                                        Codec.of(StoredEntry.getDefaultInstance())
                                                .serde())
                                .withLoggingEnabled(Map.of(
                                        "cleanup.policy",
                                        "compact",
                                        "min.compaction.lag.ms",
                                        String.valueOf(COMPACTION_LAG.toMillis())))
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
                .addSink(NOTICES_SINK, topics.notices(), keyOut, Outgoing.SERIALIZER, Outgoing.PARTITIONER, CORE)
                .addSink(
                        DEAD_LETTERS_SINK,
                        topics.deadLetters("scheduler"),
                        keyOut,
                        Outgoing.SERIALIZER,
                        Outgoing.PARTITIONER,
                        CORE);
    }
}
