package io.altiplano.gateway.usage;

import io.altiplano.contracts.JobId;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.PriceList;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.Map;

/** Corrects what a job was billed for: nothing is changed, the difference is a new entry. */
@ApplicationScoped
class Corrections {
    private final Db db;
    private final PriceBook prices;
    private final AuditLog audit;

    @Inject
    Corrections(Db db, PriceBook prices, AuditLog audit) {
        this.db = db;
        this.prices = prices;
        this.audit = audit;
    }

    /**
     * Makes a job's counts what they should be.
     *
     * @param cached of {@code prompt}; not more
     * @throws ApiException 404 if the tenant has no such job in the ledger; 409 if it failed, and so was free, or if nothing is to
     *     be corrected
     */
    Correction correct(
            Person person, String tenant, JobId job, long prompt, long cached, long completion, String reason) {
        PriceList known = prices.prices();
        return db.operator(operator -> {
            CorrectionStore.Billed billed = CorrectionStore.billed(
                            operator, tenant, job.value(), Instant.ofEpochMilli(job.submittedAtMillis()))
                    .orElseThrow(() -> new ApiException(
                            ApiError.notFound("job_not_found", "The ledger has no such job of this tenant.")));
            if (billed.entry().outcome().equals("FAILED")) {
                throw new ApiException(ApiError.conflict(
                        "job_failed", "The job failed and was billed nothing; there is nothing to correct."));
            }
            Correction correction = Correction.of(
                    billed.lastLine() + 1, billed.entry(), billed.entry().counting(prompt, completion, cached), known);
            LedgerEntry difference = correction.entry();
            if (difference.promptTokens() == 0
                    && difference.completionTokens() == 0
                    && difference.cachedTokens() == 0) {
                throw new ApiException(
                        ApiError.conflict("nothing_to_correct", "The job is billed for these counts already."));
            }
            CorrectionStore.insert(operator, correction);
            audit.append(
                    operator,
                    AuditEntry.by(
                            person,
                            "usage.correct",
                            tenant,
                            job.toString(),
                            Map.of(
                                    "line", correction.line(),
                                    "prompt_tokens", difference.promptTokens(),
                                    "cached_tokens", difference.cachedTokens(),
                                    "completion_tokens", difference.completionTokens(),
                                    "cost", correction.cost().toPlainString(),
                                    "reason", reason)));
            return correction;
        });
    }
}
