package io.altiplano.stack.faults;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.contracts.v1.DeadLetterRecord;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/**
 * Dead letters, held against the records that a fault run damaged: each of those has its letter from whoever may not pass
 * it over in silence, and no other record has one. A damaged record is known by its header, which a repeat of it keeps.
 */
final class Letters {
    /** Header of records that the run made unreadable. */
    static final String DAMAGED = "altiplano-fault";

    private static final List<String> READERS = List.of("gateway", "scheduler", "worker");

    private final Cluster cluster;
    private final Map<TopicPartition, Long> from;

    private Letters(Cluster cluster, Map<TopicPartition, Long> from) {
        this.cluster = cluster;
        this.from = from;
    }

    /** Those to come from now on. */
    static Letters mark(Cluster cluster) {
        try (var consumer = Replay.consumer(cluster)) {
            List<TopicPartition> all = new ArrayList<>();
            for (String reader : READERS) {
                all.addAll(Replay.partitions(consumer, cluster.topics().deadLetters(reader)));
            }
            for (String topic : read(cluster.topics())) {
                all.addAll(Replay.partitions(consumer, topic));
            }
            return new Letters(cluster, Map.copyOf(consumer.endOffsets(all)));
        }
    }

    /** Topics in which the scheduler's place is committed only when its letters are written: none can be missing. */
    private static List<String> read(Topics t) {
        return List.of(t.submissions(), t.attempts(), t.workers(), t.jobs());
    }

    /** Where a record stands. */
    record Place(String topic, int partition, long offset) {
        static Place of(DeadLetter letter) {
            return new Place(letter.getTopic(), letter.getPartition(), letter.getOffset());
        }

        @Override
        public String toString() {
            return topic + "/" + partition + "/" + offset;
        }
    }

    /** Letters of records that the run did not damage. */
    List<String> unexplained() {
        try (var consumer = Replay.consumer(cluster)) {
            return unexplained(written(consumer), place -> damaged(consumer, place));
        }
    }

    static List<String> unexplained(List<DeadLetter> letters, Predicate<Place> damaged) {
        Map<Place, Boolean> known = new HashMap<>();
        return letters.stream()
                .filter(l -> !known.computeIfAbsent(Place.of(l), damaged::test))
                .map(l -> l.getReader() + " buried " + Place.of(l) + ", which nobody had damaged: " + l.getReason()
                        + " " + l.getMessage())
                .toList();
    }

    /** Damaged records of which the scheduler, or for {@code jobs} the ledger too, said nothing. */
    List<String> missing(Connection database) throws SQLException {
        try (var consumer = Replay.consumer(cluster)) {
            return missing(
                    damaged(consumer),
                    written(consumer),
                    posted(database),
                    cluster.topics().jobs());
        }
    }

    /**
     * Of the damaged ones those of which nobody told.
     *
     * @param posted of {@code jobs}, what the ledger holds beside its entries
     * @param jobs the topic's name
     */
    static List<String> missing(Set<Place> damaged, List<DeadLetter> letters, Set<Place> posted, String jobs) {
        Set<Place> buried = letters.stream()
                .filter(l -> l.getReader().equals("scheduler"))
                .map(Place::of)
                .collect(Collectors.toSet());
        List<String> found = new ArrayList<>();
        for (Place place : damaged) {
            if (!buried.contains(place)) {
                found.add("the scheduler buried nothing at " + place);
            }
            if (place.topic.equals(jobs) && !posted.contains(place)) {
                found.add("the ledger has no dead letter of " + place);
            }
        }
        return found;
    }

    /** How many records the run damaged that each must have a letter. */
    int damaged() {
        try (var consumer = Replay.consumer(cluster)) {
            return damaged(consumer).size();
        }
    }

    private Set<Place> damaged(KafkaConsumer<byte[], byte[]> consumer) {
        return Replay.read(consumer, topics(read(cluster.topics()))).stream()
                .filter(Letters::damaged)
                .map(r -> new Place(r.topic(), r.partition(), r.offset()))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private List<DeadLetter> written(KafkaConsumer<byte[], byte[]> consumer) {
        return Replay.read(
                        consumer,
                        topics(READERS.stream()
                                .map(cluster.topics()::deadLetters)
                                .toList()))
                .stream()
                .map(r -> Topics.DEAD_LETTER.decode(r.value()))
                .filter(DeadLetterRecord::hasBuried)
                .map(DeadLetterRecord::getBuried)
                .toList();
    }

    private Map<TopicPartition, Long> topics(List<String> names) {
        Map<TopicPartition, Long> of = new HashMap<>(from);
        of.keySet().removeIf(p -> !names.contains(p.topic()));
        return of;
    }

    private static boolean damaged(KafkaConsumer<byte[], byte[]> consumer, Place place) {
        return Replay.at(consumer, new TopicPartition(place.topic, place.partition), place.offset)
                .filter(Letters::damaged)
                .isPresent();
    }

    private static boolean damaged(ConsumerRecord<byte[], byte[]> record) {
        return record.headers().lastHeader(DAMAGED) != null;
    }

    private static Set<Place> posted(Connection database) throws SQLException {
        Set<Place> posted = new HashSet<>();
        try (var statement = database.createStatement();
                ResultSet rows = statement.executeQuery("SELECT topic, partition, record_offset FROM dead_letter")) {
            while (rows.next()) {
                posted.add(new Place(rows.getString(1), rows.getInt(2), rows.getLong(3)));
            }
        }
        return posted;
    }
}
