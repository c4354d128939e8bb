package io.altiplano.gateway.tenant;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.approval.Approval;
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
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The group a tenant stands in, and its products. */
@Path("/admin/v1/tenants/{tenant}")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class AffiliationsResource {
    private final Affiliations affiliations;
    private final CurrentPerson person;

    @Inject
    AffiliationsResource(Affiliations affiliations, CurrentPerson person) {
        this.affiliations = affiliations;
        this.person = person;
    }

    /** {@code {name, registration_number}}: 201, or 200 where it is declared already. Its figure counts from now on. */
    @POST
    @Path("/affiliates")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response declare(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String name = fields.text("name", 200);
        String registration = TenantFields.requiredRegistrationNumber(fields);
        fields.end();
        Affiliations.Declared declared = affiliations.declare(person.get(), tenant, name, registration);
        return Response.status(declared.isNew() ? 201 : 200)
                .entity(AffiliateView.of(declared.affiliate()))
                .build();
    }

    /** All affiliates, those taken out too. */
    @GET
    @Path("/affiliates")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public AffiliatePage affiliates(@PathParam("tenant") String tenant) {
        return new AffiliatePage(
                "list",
                affiliations.affiliates(tenant).stream().map(AffiliateView::of).toList(),
                false);
    }

    /** {@code {reason}}: 202 with the proposal that a second person must approve, for the group's figure may fall. */
    @POST
    @Path("/affiliates/{id}/removal")
    @RolesAllowed(RealmRole.OFFICER)
    public Response remove(
            @PathParam("tenant") String tenant,
            @PathParam("id") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 500);
        fields.end();
        Approval approval = affiliations.proposeRemoval(person.get(), tenant, id, reason);
        return Response.status(Response.Status.ACCEPTED)
                .entity(new Proposed("affiliate.removal", id, approval.id(), approval.contentHash()))
                .build();
    }

    /** The tenants whose figures count for this one, itself among them. */
    @GET
    @Path("/group")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Group group(@PathParam("tenant") String tenant) {
        return new Group("tenant.group", tenant, affiliations.group(tenant));
    }

    /** {@code {name}}: 201, or 200 where it is declared already. */
    @POST
    @Path("/products")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response addProduct(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String name = fields.text("name", 200);
        fields.end();
        boolean isNew = affiliations.addProduct(person.get(), tenant, name);
        return Response.status(isNew ? 201 : 200).entity(products(tenant)).build();
    }

    /** All products, ended ones too. */
    @GET
    @Path("/products")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public ProductPage products(@PathParam("tenant") String tenant) {
        return new ProductPage(
                "list",
                affiliations.products(tenant).stream().map(ProductView::of).toList(),
                false);
    }

    /** Notes that a product is no more. */
    @DELETE
    @Path("/products/{id}")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Deleted endProduct(@PathParam("tenant") String tenant, @PathParam("id") String id) {
        affiliations.endProduct(person.get(), tenant, id);
        return new Deleted(id, "product.deleted", true);
    }

    private static @Nullable Long seconds(@Nullable Instant at) {
        return at == null ? null : at.getEpochSecond();
    }

    /** An affiliate as the API shows it. */
    public record AffiliateView(
            String object,
            String id,
            String name,
            @JsonProperty("registration_number") String registrationNumber,
            @JsonProperty("declared_at") long declaredAt,
            @JsonProperty("confirmed_at") @Nullable Long confirmedAt,
            @JsonProperty("removed_at") @Nullable Long removedAt) {
        /** Shows one. */
        public static AffiliateView of(Affiliate a) {
            return new AffiliateView(
                    "affiliate",
                    a.id(),
                    a.name(),
                    a.registrationNumber(),
                    a.declaredAt().getEpochSecond(),
                    seconds(a.confirmedAt()),
                    seconds(a.removedAt()));
        }
    }

    /** A list of affiliates. */
    public record AffiliatePage(
            String object,
            List<AffiliateView> data,
            @JsonProperty("has_more") boolean hasMore) {}

    /** A product as the API shows it. */
    public record ProductView(
            String object,
            String id,
            String name,
            @JsonProperty("declared_at") long declaredAt,
            @JsonProperty("ended_at") @Nullable Long endedAt) {
        /** Shows one. */
        public static ProductView of(Product p) {
            return new ProductView("product", p.id(), p.name(), p.declaredAt().getEpochSecond(), seconds(p.endedAt()));
        }
    }

    /** A list of products. */
    public record ProductPage(
            String object,
            List<ProductView> data,
            @JsonProperty("has_more") boolean hasMore) {}

    /** Ids of the tenants of one group. */
    public record Group(String object, String tenant, List<String> members) {}

    /** What waits for a second person. */
    public record Proposed(
            String object,
            String id,
            String approval,
            @JsonProperty("content_hash") String contentHash) {}

    /** What is said of something ended. */
    public record Deleted(String id, String object, boolean deleted) {}
}
