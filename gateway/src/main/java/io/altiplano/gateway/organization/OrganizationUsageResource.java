package io.altiplano.gateway.organization;

import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.usage.Ledger;
import io.altiplano.gateway.usage.UsageQuery;
import io.altiplano.gateway.usage.UsageResource;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import org.jspecify.annotations.Nullable;

/** What the tenant used and what it costs: its members read it. */
@Path("/v1/organization/usage")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationUsageResource {
    private final Ledger ledger;
    private final CurrentMember member;

    @Inject
    OrganizationUsageResource(Ledger ledger, CurrentMember member) {
        this.ledger = ledger;
        this.member = member;
    }

    /** By model where nothing else is asked for. */
    @GET
    public UsageResource.Page usage(
            @QueryParam("from") @Nullable String from,
            @QueryParam("to") @Nullable String to,
            @QueryParam("bucket") @Nullable String bucket,
            @QueryParam("group_by") @Nullable String groupBy) {
        return UsageResource.Page.of(
                ledger.usage(member.require(Role.VIEWER).tenantId(), UsageQuery.of(from, to, bucket, groupBy)));
    }
}
