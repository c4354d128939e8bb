package io.altiplano.scheduler.topology;

import com.google.protobuf.Message;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.core.Change;
import io.altiplano.scheduler.core.Decision;
import io.altiplano.scheduler.core.Effect;
import io.altiplano.scheduler.core.Event;
import io.altiplano.scheduler.core.Outcome;
import io.altiplano.scheduler.core.SchedulerCore;
import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.core.Stored;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;

/**
 * One partition's core between its topics. For each input: decide or apply, write what changed to the store, send what
 * follows. The store is changelogged, so {@link #init} finds what the last holder of the partition knew.
 */
final class SchedulerProcessor implements Processor<String, Message, String, Outgoing> {
    private static final long POSITIONS_EVERY_MS = 1_000;

    private final Settings settings;
    private final Observer observer;
    private final Duration tick;
    private final long sessionNanos;

    // Set by init(), which Kafka Streams calls before anything else.
    private @Nullable Live live;

    /** What exists only between init() and close(). */
    private record Live(
            ProcessorContext<String, Outgoing> context,
            KeyValueStore<String, StoredEntry> store,
            SchedulerCore core,
            Positions positions,
            int partition) {}

    private @Nullable List<Stored> restored;
    private long aliveNanos;
    private long positionsAtMs;

    /**
     * @param tick time between ticks
     * @param session the consumer group's session timeout: a thread that stood still for longer may have been replaced
     */
    SchedulerProcessor(Settings settings, Observer observer, Duration tick, Duration session) {
        this.settings = settings;
        this.observer = observer;
        this.tick = tick;
        this.sessionNanos = session.toNanos();
    }

    @Override
    public void init(ProcessorContext<String, Outgoing> context) {
        KeyValueStore<String, StoredEntry> store = context.getStateStore(SchedulerTopology.STORE);
        List<Stored> found = new ArrayList<>();
        try (KeyValueIterator<String, StoredEntry> all = store.all()) {
            while (all.hasNext()) {
                KeyValue<String, StoredEntry> entry = all.next();
                if (!entry.key.equals(Positions.KEY)) {
                    found.add(StoredCodec.read(entry.value));
                }
            }
        }
        SchedulerCore core = new SchedulerCore(settings, UUID.randomUUID().toString());
        Positions positions = new Positions(settings.memoryMs(), store.get(Positions.KEY));
        live = new Live(context, store, core, positions, context.taskId().partition());
        restored = found;
        aliveNanos = System.nanoTime();
        context.schedule(tick, PunctuationType.WALL_CLOCK_TIME, now -> tick());
    }

    @Override
    public void process(Record<String, Message> record) {
        Live l = live();
        checkAlive();
        long now = l.context.currentSystemTimeMs();
        begin(l, now);
        RecordMetadata at = l.context.recordMetadata().orElseThrow();
        if (!l.positions.forgottenRepeat(at.topic(), at.offset(), record.timestamp(), now)) {
            LogPointer pointer = LogPointer.newBuilder()
                    .setPartition(at.partition())
                    .setOffset(at.offset())
                    .build();
            if (record.value() instanceof JobRecord job) {
                send(l, l.core.apply(job, now));
            } else {
                event(record.value(), pointer).ifPresent(event -> send(l, l.core.decide(event, now)));
            }
        }
        l.positions.noted(at.topic(), at.offset());
    }

    /** Starts the core at the first tick or record: during init nothing may be sent, and the context tells no time. */
    private void begin(Live l, long now) {
        List<Stored> found = restored;
        if (found != null) {
            restored = null;
            send(l, l.core.start(found, now));
        }
    }

    private static Optional<Event> event(@Nullable Message message, LogPointer at) {
        return Optional.ofNullable(
                switch (message) {
                    case SubmissionRecord s ->
                        switch (s.getBodyCase()) {
                            case SUBMITTED -> new Event.Submitted(s.getSubmitted(), at);
                            case CANCELLED -> new Event.Cancelled(s.getCancelled());
                            case RELAYED -> new Event.Relayed(s.getRelayed(), at);
                            case WITHDRAWN -> new Event.Withdrawn(s.getWithdrawn());
                            case BODY_NOT_SET -> null;
                        };
                    case AttemptRecord a ->
                        switch (a.getBodyCase()) {
                            case STARTED -> new Event.Started(a.getStarted());
                            case ENDED -> new Event.Ended(a.getEnded());
                            case BODY_NOT_SET -> null;
                        };
                    case WorkerHeartbeat w -> new Event.Heard(w);
                    case null, default -> null;
                });
    }

    private void tick() {
        Live l = live();
        checkAlive();
        long now = l.context.currentSystemTimeMs();
        begin(l, now);
        send(l, l.core.decide(new Event.Tick(), now));
        if (now - positionsAtMs >= POSITIONS_EVERY_MS) {
            positionsAtMs = now;
            l.positions.moved().ifPresent(entry -> l.store.put(Positions.KEY, entry));
        }
        observer.numbers(
                l.partition,
                new Observer.Numbers(
                        l.core.waiting(),
                        l.core.leased(),
                        l.core.unfinished(),
                        l.core.workers(now),
                        l.core.caughtUp()));
    }

    /** Steps down rather than act on what another may have decided meanwhile; the thread is replaced and restores. */
    private void checkAlive() {
        long now = System.nanoTime();
        if (now - aliveNanos > sessionNanos) {
            throw new StreamsException("this thread stood still for " + Duration.ofNanos(now - aliveNanos)
                    + ", longer than its group session: another may hold its partitions");
        }
        aliveNanos = now;
    }

    private void send(Live l, Outcome outcome) {
        for (Change change : l.core.drainChanges()) {
            Stored value = change.value();
            if (value == null) {
                l.store.delete(change.key());
            } else {
                l.store.put(change.key(), StoredCodec.write(value));
            }
        }
        long now = l.context.currentSystemTimeMs();
        for (Decision d : outcome.decisions()) {
            forward(l, SchedulerTopology.JOBS_SINK, d.pool(), l.partition, Topics.JOB.encode(d.record()), now);
        }
        for (Effect effect : outcome.effects()) {
            switch (effect) {
                case Effect.Work w ->
                    forward(l, SchedulerTopology.WORK_SINK, w.pool(), w.ordinal(), Topics.WORK.encode(w.record()), now);
                case Effect.Notice n ->
                    forward(
                            l,
                            SchedulerTopology.NOTICES_SINK,
                            "",
                            n.partition(),
                            Topics.NOTICE.encode(n.record()),
                            now);
                case Effect.Happened h -> observer.happened(l.partition, h);
            }
        }
    }

    private static void forward(Live l, String sink, String key, int partition, byte[] value, long now) {
        l.context.forward(new Record<>(key, new Outgoing(partition, value), now), sink);
    }

    private Live live() {
        Live l = live;
        if (l == null) {
            throw new IllegalStateException("a record before init()");
        }
        return l;
    }

    @Override
    public void close() {
        Live l = live;
        if (l != null) {
            observer.released(l.partition);
        }
        live = null;
        restored = null;
    }
}
