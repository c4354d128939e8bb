package io.altiplano.gateway.policy;

import io.altiplano.gateway.approval.Approvals;
import io.altiplano.gateway.approval.ContentHash;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.catalog.Catalog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.PlatformTerms;
import io.altiplano.gateway.policy.AbuseReport.Outcome;
import io.altiplano.gateway.policy.AbuseReport.Said;
import io.altiplano.gateway.policy.AbuseReport.SubjectKind;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.tenant.Tiers;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.altiplano.gateway.web.Cursor;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Reports of misuse: anyone makes them, officers handle them. What is done about one is done in the transaction that resolves it,
 * with the means that there are for it: suspension takes one officer and is at once, its end takes two.
 */
@ApplicationScoped
public class AbuseReports {
    private static final Person ANYONE = new Person("system:abuse-reports", "system:abuse-reports");

    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final Tiers tiers;
    private final Catalog catalog;

    @Inject
    AbuseReports(Db db, AuditLog audit, Tenants tenants, Tiers tiers, Catalog catalog) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.tiers = tiers;
        this.catalog = catalog;
    }

    /** A report with its history. */
    record Told(AbuseReport report, List<Event> history) {}

    /** Keeps what somebody says, and looks nothing up: whether there is what it names changes neither answer nor time. The id. */
    String receive(Said said, @Nullable String reporterTenant) {
        String id = "abr_" + UUID.randomUUID().toString().replace("-", "");
        String hash = ContentHash.of("ABUSE_REPORT")
                .field(said.subjectKind())
                .field(said.subjectId())
                .field(said.category())
                .field(said.description())
                .field(said.contact())
                .hex();
        return db.operator(operator -> {
            AbuseReportStore.insert(operator, id, said, reporterTenant);
            AbuseReportStore.event(operator, id, ANYONE, "RECEIVED", null);
            note(operator, ANYONE, "abuse_report.receive", id, Map.of("content_hash", hash));
            return id;
        });
    }

    /** At most one more than the cursor's limit, newest first. */
    List<AbuseReport> list(AbuseReportStore.Filter filter, Cursor cursor) {
        return db.operator(operator -> {
            String after = cursor.after();
            if (after != null && AbuseReportStore.find(operator, after).isEmpty()) {
                throw Cursor.unknownAfter();
            }
            return AbuseReportStore.list(operator, filter, after, cursor.limit() + 1);
        });
    }

    /** One with its history. */
    Told get(String id) {
        return db.operator(operator -> tell(operator, id));
    }

    /**
     * Gives an open report to an officer.
     *
     * @param assignee the officer's subject
     * @throws ApiException 404 no such report; 409 it is resolved
     */
    Told assign(Person officer, String id, String assignee) {
        return db.operator(operator -> {
            requireOpen(operator, id);
            AbuseReportStore.assign(operator, id, assignee);
            AbuseReportStore.event(operator, id, officer, "ASSIGNED", assignee);
            note(operator, officer, "abuse_report.assign", id, Map.of("assignee", assignee));
            return tell(operator, id);
        });
    }

    /**
     * Adds an officer's words, to a resolved report too.
     *
     * @throws ApiException 404 no such report
     */
    Told annotate(Person officer, String id, String text) {
        return db.operator(operator -> {
            var unused = AbuseReportStore.find(operator, id).orElseThrow(AbuseReports::unknown);
            AbuseReportStore.event(operator, id, officer, "NOTED", text);
            note(operator, officer, "abuse_report.note", id, Map.of());
            return tell(operator, id);
        });
    }

    /**
     * Resolves a report, and does what its outcome says.
     *
     * @param tenant who is warned or suspended; null: whom the report names
     * @throws ApiException 404 no such report or tenant; 409 it is resolved; 400 nobody is named, or no model; 403 the officer is a
     *     member of the tenant
     */
    Told resolve(Person officer, String id, Outcome outcome, @Nullable String tenant, String reason) {
        return db.operator(operator -> {
            AbuseReport report = requireOpen(operator, id);
            String concerned = tenant == null ? report.matchedTenant() : tenant;
            if (concerned != null) {
                tenants.require(operator, concerned);
                Approvals.requireOutsider(operator, concerned, officer);
            }
            switch (outcome) {
                case NO_ACTION -> {}
                case WARNED -> warn(operator, officer, report, requireTenant(concerned), reason);
                case SUSPENDED ->
                    tiers.suspend(operator, officer, requireTenant(concerned), reason + " (abuse report " + id + ")");
                case MODEL_WITHDRAWN -> withdraw(operator, officer, report, reason);
            }
            boolean aboutTenant = outcome == Outcome.WARNED || outcome == Outcome.SUSPENDED;
            AbuseReportStore.resolve(operator, id, outcome, aboutTenant ? concerned : null, officer, reason);
            AbuseReportStore.event(operator, id, officer, "RESOLVED", Choices.text(outcome) + ": " + reason);
            note(
                    operator,
                    officer,
                    "abuse_report.resolve",
                    id,
                    Map.of("outcome", Choices.text(outcome), "about", concerned == null ? "" : concerned));
            return tell(operator, id);
        });
    }

    /** A warning is an entry of the tenant's own audit log, which its members read. */
    private void warn(Handle operator, Person officer, AbuseReport report, String tenant, String reason) {
        audit.append(
                operator,
                AuditEntry.by(
                        officer,
                        "platform_policy.warning",
                        tenant,
                        report.id(),
                        Map.of("category", Choices.text(report.category()), "message", PlatformTerms.LABEL + reason)));
    }

    private void withdraw(Handle operator, Person officer, AbuseReport report, String reason) {
        if (report.subjectKind() != SubjectKind.MODEL
                || !catalog.withdraw(
                        operator, officer, report.subjectId(), reason + " (abuse report " + report.id() + ")")) {
            throw new ApiException(ApiError.invalidRequest(
                    "outcome",
                    "policy_no_such_model",
                    PlatformTerms.LABEL + "the report names no model of the catalog; resolve it otherwise."));
        }
    }

    private static String requireTenant(@Nullable String concerned) {
        if (concerned == null) {
            throw new ApiException(ApiError.invalidRequest(
                    "tenant",
                    "policy_tenant_required",
                    PlatformTerms.LABEL + "the report names no one tenant; say in tenant who is meant."));
        }
        return concerned;
    }

    private static AbuseReport requireOpen(Handle operator, String id) {
        AbuseReport report = AbuseReportStore.lock(operator, id).orElseThrow(AbuseReports::unknown);
        if (report.state() == AbuseReport.State.RESOLVED) {
            throw new ApiException(ApiError.conflict(
                    "policy_report_resolved", PlatformTerms.LABEL + "the report " + id + " is resolved already."));
        }
        return report;
    }

    private static Told tell(Handle operator, String id) {
        return new Told(
                AbuseReportStore.find(operator, id).orElseThrow(AbuseReports::unknown),
                AbuseReportStore.events(operator, id));
    }

    private static ApiException unknown() {
        return new ApiException(
                ApiError.notFound("policy_report_not_found", PlatformTerms.LABEL + "there is no report of this id."));
    }

    /** Of no tenant: neither who reported nor who is reported learns of it from its audit log. */
    private void note(Handle operator, Person by, String action, String id, Map<String, String> detail) {
        audit.append(operator, AuditEntry.by(by, action, null, id, detail));
    }
}
