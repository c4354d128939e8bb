package io.altiplano.gateway.usage;

import io.altiplano.contracts.KafkaConfig;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.result.ResultIterator;
import org.jspecify.annotations.Nullable;

/**
 * Rebuilds the ledger from the log, beside the one that is kept, and holds them against each other byte for byte. What is kept
 * is read as it was at one moment, and the log to where it was posted then: the platform may go on meanwhile.
 */
final class Rebuild {
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int FETCH = 5000;

    private final Jdbi ledger;
    private final KafkaConfig kafka;
    private final String topic;
    private final BiConsumer<Long, Long> progress;

    /**
     * A table's outcome.
     *
     * @param kept rows of the ledger as it is
     * @param rebuilt rows that the log gives
     * @param sha256 over the kept rows, each with a line feed
     * @param difference the first row that differs, for a person; null where none does
     */
    record Compared(
            LedgerTable table,
            long kept,
            long rebuilt,
            String sha256,
            @Nullable String difference) {}

    /**
     * The outcome.
     *
     * @param records of the log that were read
     * @param missing partitions whose first records the log does not keep any more, by their first offset
     * @param tables each table's
     */
    record Report(long records, Map<Integer, Long> missing, List<Compared> tables) {
        boolean equal() {
            return tables.stream().allMatch(t -> t.difference() == null);
        }
    }

    /**
     * @param ledger as the ledger's role
     * @param topic the topic {@code jobs}
     * @param progress told how many records were read, and of how many
     */
    Rebuild(Jdbi ledger, KafkaConfig kafka, String topic, BiConsumer<Long, Long> progress) {
        this.ledger = ledger;
        this.kafka = kafka;
        this.topic = topic;
        this.progress = progress;
    }

    /** Replays and compares. */
    Report run() {
        try (Handle kept = ledger.open();
                Handle session = ledger.open()) {
            kept.begin();
            kept.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
            Map<TopicPartition, Long> ends = offsets(kept);
            Map<Integer, Long> missing = new TreeMap<>();
            ScratchLedger scratch = new ScratchLedger(session);
            long records = replay(scratch, ends, missing);
            // People's, which no log holds; each has its row in the audit log.
            CorrectionStore.all(kept).forEach(scratch::correct);
            session.begin();
            List<Compared> tables = new ArrayList<>();
            for (LedgerTable table : LedgerTable.values()) {
                tables.add(compare(table, kept, session));
            }
            session.rollback();
            kept.rollback();
            return new Report(records, missing, tables);
        }
    }

    private Map<TopicPartition, Long> offsets(Handle kept) {
        return kept.createQuery("SELECT partition, next_offset FROM ingest_offset WHERE topic = :topic")
                .bind("topic", topic)
                .reduceRows(new HashMap<>(), (map, row) -> {
                    map.put(
                            new TopicPartition(topic, row.getColumn("partition", Integer.class)),
                            row.getColumn("next_offset", Long.class));
                    return map;
                });
    }

    private long replay(ScratchLedger scratch, Map<TopicPartition, Long> ends, Map<Integer, Long> missing) {
        Map<String, Object> config = kafka.consumer();
        config.put("max.poll.records", 10_000);
        long records = 0;
        try (Consumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(ends.keySet());
            consumer.seekToBeginning(ends.keySet());
            Map<TopicPartition, Long> next = new HashMap<>();
            long total = 0;
            for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
                long first = consumer.position(end.getKey());
                if (first > 0) {
                    missing.put(end.getKey().partition(), first);
                }
                total += Math.max(0, end.getValue() - first);
                next.put(end.getKey(), scratch.nextOffset(end.getKey()));
            }
            long heard = System.nanoTime();
            while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
                var polled = consumer.poll(POLL);
                if (!polled.isEmpty()) {
                    heard = System.nanoTime();
                } else if (System.nanoTime() - heard > PATIENCE.toNanos()) {
                    throw new IllegalStateException("the log ends before what is posted, or Kafka does not answer");
                }
                for (TopicPartition partition : polled.partitions()) {
                    long end = Objects.requireNonNull(ends.get(partition));
                    List<ConsumerRecord<byte[], byte[]>> wanted = polled.records(partition).stream()
                            .filter(record -> record.offset() < end)
                            .toList();
                    if (!wanted.isEmpty()) {
                        next.put(
                                partition,
                                scratch.post(partition, Objects.requireNonNull(next.get(partition)), wanted));
                        records += wanted.size();
                    }
                }
                progress.accept(records, total);
            }
        }
        return records;
    }

    private Compared compare(LedgerTable table, Handle kept, Handle rebuilt) {
        MessageDigest digest = sha256();
        long left = 0;
        long right = 0;
        String difference = null;
        try (ResultIterator<String> a = rows(kept, table.rows("public"));
                ResultIterator<String> b = rows(rebuilt, table.rows("pg_temp"))) {
            while (a.hasNext() || b.hasNext()) {
                String x = a.hasNext() ? a.next() : null;
                String y = b.hasNext() ? b.next() : null;
                left += x == null ? 0 : 1;
                right += y == null ? 0 : 1;
                if (x != null) {
                    digest.update((x + "\n").getBytes(StandardCharsets.UTF_8));
                }
                if (difference == null && !Objects.equals(x, y)) {
                    difference = "kept " + (x == null ? "no further row" : x) + ", the log gives "
                            + (y == null ? "no further row" : y);
                }
            }
        }
        return new Compared(table, left, right, HexFormat.of().formatHex(digest.digest()), difference);
    }

    private ResultIterator<String> rows(Handle handle, String sql) {
        var query = handle.createQuery(sql);
        if (sql.contains(":topic")) {
            query.bind("topic", topic);
        }
        return query.setFetchSize(FETCH).mapTo(String.class).iterator();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
