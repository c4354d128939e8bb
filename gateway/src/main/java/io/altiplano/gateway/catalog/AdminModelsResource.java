package io.altiplano.gateway.catalog;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/models}: register checkpoints of the model store, list them, withdraw them. */
@Path("/admin/v1/models")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class AdminModelsResource {
    private static final String DEFAULT_POOL = "default";

    private final Catalog catalog;
    private final CurrentPerson person;

    @Inject
    AdminModelsResource(Catalog catalog, CurrentPerson person) {
        this.catalog = catalog;
        this.person = person;
    }

    /** {@code {id, licence, pool?, base_model?}}: 201; 400 names what is wrong with the checkpoint; 409 where the id is taken. */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response register(@Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String id = fields.text("id", 200);
        String licence = fields.text("licence", 64);
        String pool = fields.optionalText("pool", 63);
        String baseModel = fields.optionalText("base_model", 200);
        fields.end();
        Model model = catalog.register(person.get(), id, licence, pool == null ? DEFAULT_POOL : pool, baseModel);
        return Response.status(Response.Status.CREATED).entity(View.of(model)).build();
    }

    /** All models, withdrawn ones too. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list() {
        return new Page("list", catalog.all().stream().map(View::of).toList(), false);
    }

    /** Withdraws a model: new requests get 404, running ones end by themselves. */
    @DELETE
    @Path("/{id}")
    @RolesAllowed(RealmRole.ADMIN)
    public View withdraw(@PathParam("id") String id) {
        return View.of(catalog.setState(person.get(), id, "withdrawn"));
    }

    /** Puts a withdrawn model back into service. */
    @POST
    @Path("/{id}/restore")
    @RolesAllowed(RealmRole.ADMIN)
    public View restore(@PathParam("id") String id) {
        return View.of(catalog.setState(person.get(), id, "ready"));
    }

    /**
     * A model as the admin API shows it.
     *
     * @param createdAt seconds of the Unix epoch
     */
    public record View(
            String object,
            String id,
            String pool,
            String licence,
            @JsonProperty("base_model") @Nullable String baseModel,
            @JsonProperty("context_length") int contextLength,
            @JsonProperty("vocab_size") int vocabSize,
            @JsonProperty("weights_sha256") String weightsSha256,
            @JsonProperty("owner_tenant") @Nullable String ownerTenant,
            @JsonProperty("created_at") long createdAt,
            String state) {
        static View of(Model m) {
            return new View(
                    "model",
                    m.id(),
                    m.pool(),
                    m.licence(),
                    m.baseModel(),
                    m.contextLength(),
                    m.vocabSize(),
                    m.weightsSha256(),
                    m.ownerTenant(),
                    m.createdAt().getEpochSecond(),
                    m.state());
        }
    }

    /** A list of models. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
