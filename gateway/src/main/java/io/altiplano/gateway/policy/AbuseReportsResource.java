package io.altiplano.gateway.policy;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyOptional;
import io.altiplano.gateway.policy.AbuseReport.Said;
import io.altiplano.gateway.policy.AbuseReport.SubjectKind;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.util.Optional;

/**
 * {@code POST /v1/abuse_reports}: anyone reports a misuse, with an API key or without. The answer is the same whether or not there is
 * what the report names, and repeats nothing of it.
 */
@Path("/v1/abuse_reports")
@Produces(MediaType.APPLICATION_JSON)
@KeyOptional
@RunOnVirtualThread
public class AbuseReportsResource {
    /** 10,000 characters, each as a JSON escape, and the rest. */
    private static final int MOST_BYTES = 128 * 1024;

    private static final int LONGEST_DESCRIPTION = 10_000;

    private final AbuseReports reports;
    private final ReportLimits limits;
    private final CurrentCaller caller;

    @Inject
    AbuseReportsResource(AbuseReports reports, ReportLimits limits, CurrentCaller caller) {
        this.reports = reports;
        this.limits = limits;
        this.caller = caller;
    }

    /**
     * {@code {subject_kind: model or tenant, subject_id, category, description, contact?}}: 202 with the report's id. A model is named
     * by its id, a tenant by its id or its name.
     */
    @POST
    public Response report(@Context HttpHeaders headers, @Context RoutingContext http, InputStream body) {
        Optional<String> tenant = caller.find().map(Caller::tenantId);
        limits.take(tenant.map(t -> "tenant " + t).orElseGet(() -> address(http)));
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body, MOST_BYTES));
        Said said = new Said(
                Choices.require(SubjectKind.class, "subject_kind", fields.text("subject_kind", 20)),
                fields.text("subject_id", 200),
                Choices.require(AbuseCategory.class, "category", fields.text("category", 50)),
                fields.prose("description", LONGEST_DESCRIPTION),
                fields.optionalText("contact", 320));
        fields.end();
        String id = reports.receive(said, tenant.orElse(null));
        return Response.accepted(new Received("abuse_report", id, "received")).build();
    }

    /** Where a proxy is trusted ({@code quarkus.http.proxy.*}), the address that it forwards. */
    private static String address(RoutingContext http) {
        SocketAddress remote = http.request().remoteAddress();
        return ReportLimits.sender(remote == null ? null : remote.hostAddress());
    }

    /** The answer: that it was received. */
    public record Received(String object, String id, String status) {}
}
