package io.altiplano.gateway.usage;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.contracts.JobId;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;

/** {@code POST /admin/v1/usage/corrections}: what a job should have been billed for. */
@Path("/admin/v1/usage/corrections")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class CorrectionsResource {
    private final Corrections corrections;
    private final CurrentPerson person;

    @Inject
    CorrectionsResource(Corrections corrections, CurrentPerson person) {
        this.corrections = corrections;
        this.person = person;
    }

    /** The right counts; 201 with the differences, which are a new entry of the ledger. */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response add(@Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String tenant = fields.text("tenant", 200);
        JobId job = job(fields);
        long prompt = count(fields, "prompt_tokens");
        long cached = count(fields, "cached_tokens");
        if (cached > prompt) {
            throw fields.wrong("cached_tokens", "must not be more than prompt_tokens");
        }
        long completion = count(fields, "completion_tokens");
        String reason = fields.prose("reason", 1000);
        fields.end();
        Correction made = corrections.correct(person.get(), tenant, job, prompt, cached, completion, reason);
        return Response.status(Response.Status.CREATED).entity(View.of(made)).build();
    }

    private static JobId job(JsonFields fields) {
        try {
            return JobId.parse(fields.text("job", 36));
        } catch (IllegalArgumentException e) {
            throw fields.wrong("job", "must be a job's id, such as 01920000-0000-7000-8000-000000000000");
        }
    }

    private static long count(JsonFields fields, String name) {
        long count = fields.count(name);
        if (count > Integer.MAX_VALUE) {
            throw fields.wrong(name, "must be at most " + Integer.MAX_VALUE);
        }
        return count;
    }

    /** A correction: differences of tokens, and of the cost in US dollars. */
    public record View(
            String object,
            String tenant,
            String job,
            int line,
            @JsonProperty("prompt_tokens") long promptTokens,
            @JsonProperty("cached_tokens") long cachedTokens,
            @JsonProperty("completion_tokens") long completionTokens,
            String cost) {
        static View of(Correction c) {
            return new View(
                    "usage_correction",
                    c.entry().tenantId(),
                    c.entry().jobId().toString(),
                    c.line(),
                    c.entry().promptTokens(),
                    c.entry().cachedTokens(),
                    c.entry().completionTokens(),
                    c.cost().toPlainString());
        }
    }
}
