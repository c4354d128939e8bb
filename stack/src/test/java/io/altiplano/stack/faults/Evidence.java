package io.altiplano.stack.faults;

import io.altiplano.contracts.v1.JobRecord;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a fault run left behind, gathered when all was healed and idle: the checker reads this and nothing else.
 *
 * @param seen what each client saw, in no order
 * @param submitted by job id, what gateways put into {@code submissions}; the first record of a job counts
 * @param log the records of {@code jobs} that the run added, in each partition's order
 * @param ledger the entries of the run's jobs
 * @param rebuilt the ledger after it was posted again from offset 0, by job; equal to {@code ledger} if posting is repeatable
 * @param skewed what does not follow from the entries, or differs in a byte after that: entries and cost lines, rollups and their sums
 * @param answers by question, the answer that an undisturbed platform gave
 * @param planted job ids of records that the run itself forged or damaged
 * @param idle what was left over when nothing ran: a name and an amount; empty if nothing was
 * @param undrained what had not drained 30 s after healing
 * @param damaged records that nobody could read, each of which has its dead letter unless {@code undrained} tells of it
 * @param audit what the audit log's verification said; empty if it holds
 * @param quotas by tenant with a hard limit
 */
record Evidence(
        List<Seen> seen,
        Map<String, Submitted> submitted,
        List<JobRecord> log,
        List<Entry> ledger,
        List<Entry> rebuilt,
        List<String> skewed,
        Map<Integer, String> answers,
        Set<String> planted,
        Map<String, Long> idle,
        List<String> undrained,
        int damaged,
        String audit,
        Map<String, Quota> quotas) {

    /**
     * A job as submitted.
     *
     * @param tenant whose it is
     * @param key of the request, if it carried one
     * @param promptTokens length of its prompt
     * @param mostTokens most that may be generated
     */
    record Submitted(String tenant, @Nullable String key, int promptTokens, int mostTokens) {}

    /**
     * A hard limit.
     *
     * @param unit of both: tokens of a day, or US dollars of a month
     * @param billed all that the ledger holds of the tenant
     * @param allowed the limit
     */
    record Quota(String unit, BigDecimal billed, BigDecimal allowed) {}

    /**
     * A ledger entry.
     *
     * @param outcome SUCCEEDED, FAILED or CANCELLED
     */
    record Entry(UUID job, int line, String tenant, String outcome, long promptTokens, long completionTokens) {}
}
