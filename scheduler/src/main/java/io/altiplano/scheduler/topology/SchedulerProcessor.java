package io.altiplano.scheduler.topology;

import io.altiplano.contracts.DeadLetters;
import io.altiplano.contracts.SetBack;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.scheduler.core.Change;
import io.altiplano.scheduler.core.Decision;
import io.altiplano.scheduler.core.Effect;
import io.altiplano.scheduler.core.Event;
import io.altiplano.scheduler.core.Outcome;
import io.altiplano.scheduler.core.SchedulerCore;
import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.core.Stored;
import io.altiplano.scheduler.topology.Inputs.Input;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
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
final class SchedulerProcessor implements Processor<String, byte[], String, Outgoing> {
    private static final long POSITIONS_EVERY_MS = 1_000;

    private final Inputs inputs;
    private final Function<String, SchedulerCore> cores;
    private final Settings settings;
    private final Observer observer;
    private final Duration tick;
    private final long sessionNanos;
    private final SetBack clock;

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
     * @param inputs reads the sources
     * @param tick time between ticks
     * @param session the consumer group's session timeout: a thread that stood still for longer may have been replaced
     */
    SchedulerProcessor(Inputs inputs, Settings settings, Observer observer, Duration tick, Duration session) {
        this(
                inputs,
                settings,
                incarnation -> new SchedulerCore(settings, incarnation),
                observer,
                tick,
                session,
                new SetBack());
    }

    /**
     * With cores of another making, for tests.
     *
     * @param clock of the machine
     */
    SchedulerProcessor(
            Inputs inputs,
            Settings settings,
            Function<String, SchedulerCore> cores,
            Observer observer,
            Duration tick,
            Duration session,
            SetBack clock) {
        this.inputs = inputs;
        this.cores = cores;
        this.settings = settings;
        this.observer = observer;
        this.tick = tick;
        this.sessionNanos = session.toNanos();
        this.clock = clock;
    }

    @Override
    public void init(ProcessorContext<String, Outgoing> context) {
        KeyValueStore<String, StoredEntry> store = context.getStateStore(SchedulerTopology.STORE);
        Positions positions = new Positions(settings.memoryMs(), store.get(Positions.KEY));
        live = new Live(context, store, newCore(), positions, context.taskId().partition());
        restored = stored(store);
        aliveNanos = System.nanoTime();
        context.schedule(tick, PunctuationType.WALL_CLOCK_TIME, now -> tick());
    }

    @Override
    public void process(Record<String, byte[]> record) {
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
            switch (inputs.read(at.topic(), record.value(), pointer)) {
                case Input.Dead(DeadLetterReason reason, String why) -> bury(l, at, reason, why, now);
                case Input known -> take(l, known, at, now);
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

    /**
     * Gives the core one record. The core does no input and no output, so what fails here fails because of the record and what is
     * known, and would fail again: the record is put aside, and a new core begins with what is stored, which the failed one has
     * not touched.
     */
    private void take(Live l, Input input, RecordMetadata at, long now) {
        Outcome outcome;
        try {
            outcome = switch (input) {
                case Input.Fact(Event event) -> l.core.decide(event, now);
                case Input.Decided(JobRecord record) -> l.core.apply(record, at.offset(), now);
                case Input.Dead dead -> throw new IllegalArgumentException("nothing for the core: " + dead);
            };
        } catch (RuntimeException e) {
            bury(l, at, DeadLetterReason.DEAD_LETTER_REASON_HANDLER_FAILED, e.toString(), now);
            live = new Live(l.context, l.store, newCore(), l.positions, l.partition);
            restored = stored(l.store);
            begin(live(), now);
            return;
        }
        send(l, outcome);
        if (l.core.replaced()) {
            throw new StreamsException("another scheduler has taken partition " + l.partition
                    + " over: what this one writes has no effect any more");
        }
    }

    private void bury(Live l, RecordMetadata at, DeadLetterReason reason, String why, long now) {
        observer.skipped(at.topic(), at.partition(), at.offset(), why);
        DeadLetterRecord letter =
                DeadLetters.buried("scheduler", at.topic(), at.partition(), at.offset(), reason, why, now);
        forward(l, SchedulerTopology.DEAD_LETTERS_SINK, "", 0, Topics.DEAD_LETTER.encode(letter), now);
    }

    private SchedulerCore newCore() {
        return cores.apply(UUID.randomUUID().toString());
    }

    private static List<Stored> stored(KeyValueStore<String, StoredEntry> store) {
        List<Stored> found = new ArrayList<>();
        try (KeyValueIterator<String, StoredEntry> all = store.all()) {
            while (all.hasNext()) {
                KeyValue<String, StoredEntry> entry = all.next();
                if (!entry.key.equals(Positions.KEY)) {
                    found.add(StoredCodec.read(entry.value));
                }
            }
        }
        return found;
    }

    private void tick() {
        Live l = live();
        checkAlive();
        long now = l.context.currentSystemTimeMs();
        begin(l, now);
        send(l, l.core.decide(new Event.Tick(), now));
        if (now - positionsAtMs >= POSITIONS_EVERY_MS) {
            positionsAtMs = now;
            l.positions
                    .moved()
                    .ifPresent(entry -> l.store.put(
                            Positions.KEY,
                            entry.toBuilder().setGeneration(l.core.generation()).build()));
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

    /**
     * Steps down rather than act on what another may have decided meanwhile, or go on with clients for Kafka that wait for a time
     * that is far off; the thread is replaced, with new clients, and restores.
     */
    private void checkAlive() {
        long now = System.nanoTime();
        if (now - aliveNanos > sessionNanos) {
            throw new StreamsException("this thread stood still for " + Duration.ofNanos(now - aliveNanos)
                    + ", longer than its group session: another may hold its partitions");
        }
        aliveNanos = now;
        Duration back = clock.told();
        if (!back.isZero()) {
            throw new StreamsException(
                    "the machine's clock was set back by " + back + ": clients for Kafka would wait as long");
        }
    }

    private void send(Live l, Outcome outcome) {
        for (Change change : l.core.drainChanges()) {
            Stored value = change.value();
            if (value == null) {
                l.store.delete(change.key());
            } else {
                l.store.put(change.key(), StoredCodec.write(value, l.core.generation()));
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
