package io.altiplano.gateway.organization;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonRawValue;
import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.audit.TenantAudit;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.web.Cursor;
import io.altiplano.gateway.web.ListPage;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What was done in the tenant, by its people and the platform's; its members read it. */
@Path("/v1/organization/audit_logs")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class AuditLogsResource {
    private final TenantAudit audit;
    private final CurrentMember member;

    @Inject
    AuditLogsResource(TenantAudit audit, CurrentMember member) {
        this.audit = audit;
        this.member = member;
    }

    /** Newest first. */
    @GET
    public ListPage<View> list(
            @QueryParam("after") @Nullable String after, @QueryParam("limit") @Nullable String limit) {
        String tenant = member.require(Role.VIEWER).tenantId();
        Cursor cursor = Cursor.of(after, limit);
        List<TenantAudit.Entry> rows =
                audit.list(tenant, cursor.after(), cursor.limit() + 1).orElseThrow(Cursor::unknownAfter);
        return cursor.page(rows, TenantAudit.Entry::id, View::of);
    }

    /**
     * One thing that was done.
     *
     * @param type a dotted verb, e.g. "api_key.create"
     * @param effectiveAt seconds of the Unix epoch
     * @param subject id of the thing
     * @param detail what else matters, JSON
     */
    public record View(
            String object,
            String id,
            String type,
            @JsonProperty("effective_at") long effectiveAt,
            Actor actor,
            String subject,
            @JsonRawValue String detail) {
        static View of(TenantAudit.Entry e) {
            return new View(
                    "organization.audit_log",
                    e.id(),
                    e.action(),
                    e.at().getEpochSecond(),
                    Actor.of(e),
                    e.subject(),
                    e.detail());
        }
    }

    /**
     * Who did it.
     *
     * @param type a person ("session") or a part of the platform ("system")
     * @param id the person's subject; null for a part of the platform, and where it was not noted yet
     */
    public record Actor(String type, @Nullable String id, String name) {
        static Actor of(TenantAudit.Entry e) {
            boolean person = !e.actorSubject().isEmpty() || !e.actor().startsWith("system:");
            return new Actor(
                    person ? "session" : "system", e.actorSubject().isEmpty() ? null : e.actorSubject(), e.actor());
        }
    }
}
