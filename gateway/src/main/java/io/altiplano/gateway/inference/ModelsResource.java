package io.altiplano.gateway.inference;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.access.NeedsScope;
import io.altiplano.gateway.catalog.Catalog;
import io.altiplano.gateway.catalog.Model;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;

/** {@code /v1/models}: what the caller may name. */
@Path("/v1/models")
@NeedsScope(KeyScope.MODELS_READ)
@RunOnVirtualThread
public class ModelsResource {
    private final Catalog catalog;
    private final CurrentCaller caller;

    @Inject
    ModelsResource(Catalog catalog, CurrentCaller caller) {
        this.catalog = catalog;
        this.caller = caller;
    }

    /** All models of the caller. */
    @GET
    public Response list() {
        List<View> data = catalog.visibleTo(caller.get().tenantId()).stream()
                .map(View::of)
                .toList();
        return json(new Page("list", data, false));
    }

    /** One model. Ids with a slash arrive encoded or plain, so the rest of the path is the id. */
    @GET
    @Path("/{id: .+}")
    public Response get(@PathParam("id") String id) {
        return json(View.of(catalog.require(caller.get().tenantId(), id)));
    }

    /** JSON whatever Accept says. */
    private static Response json(Object entity) {
        return Response.ok(entity, MediaType.APPLICATION_JSON_TYPE).build();
    }

    /**
     * A model as OpenAI shows it, and what a client needs to know of it beside.
     *
     * @param created seconds of the Unix epoch
     */
    public record View(
            String id,
            String object,
            long created,
            @JsonProperty("owned_by") String ownedBy,
            @JsonProperty("context_length") int contextLength,
            String licence) {
        static View of(Model model) {
            String owner = model.ownerTenant();
            return new View(
                    model.id(),
                    "model",
                    model.createdAt().getEpochSecond(),
                    owner == null ? "altiplano" : owner,
                    model.contextLength(),
                    model.licence());
        }
    }

    /** A list of models. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
