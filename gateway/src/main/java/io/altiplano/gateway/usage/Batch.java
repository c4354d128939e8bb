package io.altiplano.gateway.usage;

import java.util.List;

/**
 * Consecutive records of one partition, read and ready to post in one transaction.
 *
 * @param topic the topic's name
 * @param partition the partition's number
 * @param from the offset that must be the next one to post
 * @param to the next one after this batch
 * @param generation of the scheduler whose records count behind this batch; 0 where that is not known
 * @param entries what is billed
 * @param dead what cannot be
 */
record Batch(
        String topic,
        int partition,
        long from,
        long to,
        long generation,
        List<LedgerEntry> entries,
        List<DeadLetter> dead) {}
