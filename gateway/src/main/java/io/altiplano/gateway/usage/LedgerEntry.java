package io.altiplano.gateway.usage;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.price.TokenCounts;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.UUID;

/**
 * What one finished job is billed for. A failed job is the platform's fault and costs nothing, whatever its record says; neither
 * does one that was cancelled because another answer of its request failed. The prompt of a request for several answers, each of
 * which is a job, is billed once: with the first.
 *
 * @param jobId the job
 * @param submittedAt the time inside the job id, in milliseconds
 * @param tenantId who pays
 * @param projectId from which project
 * @param apiKeyId with which key; empty when the caller was not a key
 * @param model catalog id
 * @param adapter catalog id; empty for none
 * @param jobClass INTERACTIVE, BATCH or TRAINING
 * @param outcome SUCCEEDED, FAILED or CANCELLED
 * @param promptTokens tokens read
 * @param completionTokens tokens written
 * @param cachedTokens of the prompt's, those from the prefix cache
 * @param attempts how many it took
 * @param decisionId the licence decision that permitted it
 * @param finishedAt by the scheduler's clock
 */
public record LedgerEntry(
        UUID jobId,
        Instant submittedAt,
        String tenantId,
        String projectId,
        String apiKeyId,
        String model,
        String adapter,
        String jobClass,
        String outcome,
        long promptTokens,
        long completionTokens,
        long cachedTokens,
        int attempts,
        String decisionId,
        Instant finishedAt) {
    /** Why the other answers of a request are cancelled when one has failed. */
    public static final String CHOICE_FAILED = "choice_failed";

    /** The first month of the ledger, and of prices. */
    static final Instant FIRST = Instant.parse("2024-01-01T00:00:00Z");

    /** Far above what a job can have, and far below where sums and amounts overflow. */
    private static final long MOST_TOKENS = 1_000_000_000_000L;

    /** What is charged for. */
    TokenCounts counts() {
        return new TokenCounts(
                promptTokens, cachedTokens, completionTokens, 0, !adapter.isEmpty(), jobClass.equals("BATCH"));
    }

    /** The same job's with other counts; differences may be negative. */
    LedgerEntry counting(long prompt, long completion, long cached) {
        return new LedgerEntry(
                jobId,
                submittedAt,
                tenantId,
                projectId,
                apiKeyId,
                model,
                adapter,
                jobClass,
                outcome,
                prompt,
                completion,
                cached,
                attempts,
                decisionId,
                finishedAt);
    }

    /** The first instant of its month, UTC: which partitions it goes to. */
    Instant month() {
        return YearMonth.from(submittedAt.atOffset(ZoneOffset.UTC))
                .atDay(1)
                .atStartOfDay()
                .toInstant(ZoneOffset.UTC);
    }

    /**
     * The entry of a terminal record.
     *
     * @throws IllegalArgumentException naming the field that cannot be billed
     */
    static LedgerEntry of(JobFinished finished) {
        JobId id = JobId.parse(finished.getJobId());
        Usage usage = finished.getUsage();
        if (id.submittedAtMillis() < FIRST.toEpochMilli()) {
            throw new IllegalArgumentException(
                    "the submit time in job_id " + id + " is before the ledger's first month");
        }
        boolean free = finished.getOutcome() == JobOutcome.JOB_OUTCOME_FAILED
                || (finished.getOutcome() == JobOutcome.JOB_OUTCOME_CANCELLED
                        && finished.getErrorMessage().equals(CHOICE_FAILED));
        boolean first = finished.getChoice() == 0;
        return new LedgerEntry(
                id.value(),
                Instant.ofEpochMilli(id.submittedAtMillis()),
                required("tenant_id", finished.getTenantId()),
                required("project_id", finished.getProjectId()),
                text("api_key_id", finished.getApiKeyId()),
                required("model", finished.getModel()),
                text("adapter", finished.getAdapter()),
                jobClass(finished.getJobClass()),
                outcome(finished.getOutcome()),
                free || !first ? 0 : count("prompt_tokens", usage.getPromptTokens()),
                free ? 0 : count("completion_tokens", usage.getCompletionTokens()),
                free || !first ? 0 : cached(usage),
                finished.getAttempts(),
                text("decision_id", finished.getDecisionId()),
                Instant.ofEpochMilli(finished.getFinishedAtMs()));
    }

    private static String jobClass(JobClass jobClass) {
        return switch (jobClass) {
            case JOB_CLASS_UNSPECIFIED, JOB_CLASS_INTERACTIVE -> "INTERACTIVE";
            case JOB_CLASS_BATCH -> "BATCH";
            case JOB_CLASS_TRAINING -> "TRAINING";
            case UNRECOGNIZED -> throw new IllegalArgumentException("job_class is none that has a price");
        };
    }

    private static String outcome(JobOutcome outcome) {
        return switch (outcome) {
            case JOB_OUTCOME_SUCCEEDED -> "SUCCEEDED";
            case JOB_OUTCOME_FAILED -> "FAILED";
            case JOB_OUTCOME_CANCELLED -> "CANCELLED";
            case JOB_OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
                throw new IllegalArgumentException("outcome " + outcome + " is none that can be billed");
        };
    }

    private static String required(String field, String value) {
        if (value.isBlank()) {
            throw new IllegalArgumentException(field + " is empty");
        }
        return text(field, value);
    }

    /** PostgreSQL has no text with NUL in it. */
    private static String text(String field, String value) {
        if (value.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(field + " holds a NUL character");
        }
        return value;
    }

    private static long count(String field, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(field + " is negative: " + value);
        }
        if (value > MOST_TOKENS) {
            throw new IllegalArgumentException(field + " is more than any job can have: " + value);
        }
        return value;
    }

    private static long cached(Usage usage) {
        long cached = count("cached_tokens", usage.getCachedTokens());
        if (cached > usage.getPromptTokens()) {
            throw new IllegalArgumentException(
                    "cached_tokens " + cached + " are more than prompt_tokens " + usage.getPromptTokens());
        }
        return cached;
    }
}
