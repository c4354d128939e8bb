package io.altiplano.contracts;

import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.DeadLetterRecord;

/** How a service says what it could not take in: one form for all. */
public final class DeadLetters {
    private static final int LONGEST_MESSAGE = 500;

    private DeadLetters() {}

    /**
     * The record for {@code dead-letters.<reader>}.
     *
     * @param reader "gateway", "scheduler" or "worker"
     * @param why for people; nothing of the record's content. Cut at 500 characters
     */
    public static DeadLetterRecord buried(
            String reader, String topic, int partition, long offset, DeadLetterReason reason, String why, long atMs) {
        return DeadLetterRecord.newBuilder()
                .setBuried(DeadLetter.newBuilder()
                        .setReader(reader)
                        .setTopic(topic)
                        .setPartition(partition)
                        .setOffset(offset)
                        .setReason(reason)
                        .setMessage(why.substring(0, Math.min(why.length(), LONGEST_MESSAGE)))
                        .setAtMs(atMs))
                .build();
    }
}
