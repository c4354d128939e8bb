package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobRecord;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Reads the terminal records at least once, as gateways do: a commit whose acknowledgement is lost reads a part again. */
final class SimLedger {
    private final World world;
    private final Topics topics;
    private final boolean uniqueKey;
    private final Set<String> keys = new HashSet<>();
    private final Map<String, Long> lines = new TreeMap<>();
    /** The next record to post, and the generation that held the partition there: committed together. */
    private int offset;

    private long generation;
    private final boolean fences;

    SimLedger(World world, Topics topics, Mutant mutant) {
        this.world = world;
        this.topics = topics;
        this.uniqueKey = mutant != Mutant.NO_UNIQUE_KEY;
        this.fences = mutant != Mutant.NO_LEDGER_FENCE;
        poll();
    }

    private void poll() {
        world.after(world.between(50, 200), () -> {
            int from = offset;
            long before = generation;
            settled();
            if (world.chance(0.05) && offset > from) {
                world.count("ledger commits lost");
                offset = from;
                generation = before;
            }
            poll();
        });
    }

    private void post(JobFinished f) {
        if (keys.add(f.getJobId()) || !uniqueKey) {
            lines.merge(
                    f.getJobId(), f.getUsage().getPromptTokens() + f.getUsage().getCompletionTokens(), Long::sum);
        } else {
            world.count("ledger lines repeated");
        }
    }

    /** All that the log has is posted: reads the rest without faults. */
    Map<String, Long> settled() {
        for (; offset < topics.jobs().end(); offset++) {
            JobRecord r = topics.jobs().get(offset);
            if (r.hasBarrier()) {
                generation = Math.max(generation, r.getGeneration());
            } else if (r.hasFinished() && (r.getGeneration() >= generation || !fences)) {
                post(r.getFinished());
            }
        }
        return lines;
    }
}
