package io.altiplano.worker.engine;

/**
 * What a step did and left.
 *
 * @param computedTokens tokens computed, prompt and answer alike; 0 where only commands were carried out
 * @param generatedTokens tokens chosen
 * @param running sequences that run
 * @param waiting sequences that wait
 * @param freeBlocks KV blocks free
 * @param preemptions sequences preempted since the start
 * @param nanos duration
 */
public record StepReport(
        int computedTokens,
        int generatedTokens,
        int running,
        int waiting,
        int freeBlocks,
        long preemptions,
        long nanos) {}
