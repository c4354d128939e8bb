package io.altiplano.gateway.policy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.util.List;
import java.util.Map;

/** {@code /admin/v1/platform-policy}: what the platform asks for beyond the licences. The newest rules hold; the past stays. */
@Path("/admin/v1/platform-policy")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class PolicyResource {
    private static final int MOST_MONTHS = 120;
    private static final int MOST_DAYS = 366;

    private final Db db;
    private final AuditLog audit;
    private final CurrentPerson person;

    @Inject
    PolicyResource(Db db, AuditLog audit, CurrentPerson person) {
        this.db = db;
        this.audit = audit;
        this.person = person;
    }

    /** All rules, newest first. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list() {
        List<PolicyRules> all = db.operator(PolicyStore::all);
        return new Page("list", all.stream().map(View::of).toList(), false);
    }

    /** {@code {reattestation_months, notice_days, grace_days, deny_after_grace}}, whole: 201, in force within a second. */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response set(@Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        int months = number(fields, "reattestation_months", 1, MOST_MONTHS);
        int notice = number(fields, "notice_days", 0, MOST_DAYS);
        int grace = number(fields, "grace_days", 0, MOST_DAYS);
        boolean deny = fields.flag("deny_after_grace");
        fields.end();
        CurrentPerson.Person who = person.get();
        PolicyRules rules = db.operator(operator -> {
            PolicyStore.insert(operator, months, notice, grace, deny, who.subject());
            audit.append(
                    operator,
                    AuditEntry.by(
                            who,
                            "platform_policy.set",
                            null,
                            "platform-policy",
                            Map.of(
                                    "reattestation_months", months,
                                    "notice_days", notice,
                                    "grace_days", grace,
                                    "deny_after_grace", deny)));
            return PolicyStore.all(operator).getFirst();
        });
        return Response.status(Response.Status.CREATED).entity(View.of(rules)).build();
    }

    private static int number(JsonFields fields, String name, int least, int most) {
        long value = fields.count(name);
        if (value < least || value > most) {
            throw fields.wrong(name, "must be a whole number from " + least + " to " + most);
        }
        return (int) value;
    }

    /** Rules as the API shows them. */
    public record View(
            String object,
            @JsonProperty("reattestation_months") int reattestationMonths,
            @JsonProperty("notice_days") int noticeDays,
            @JsonProperty("grace_days") int graceDays,
            @JsonProperty("deny_after_grace") boolean denyAfterGrace,
            @JsonProperty("recorded_by") String recordedBy,
            @JsonProperty("recorded_at") long recordedAt) {
        static View of(PolicyRules r) {
            return new View(
                    "platform_policy",
                    r.reattestationMonths(),
                    r.noticeDays(),
                    r.graceDays(),
                    r.denyAfterGrace(),
                    r.recordedBy(),
                    r.recordedAt().getEpochSecond());
        }
    }

    /** A list of rules. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
