package io.altiplano.gateway.tenant;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/registration-claims}: what tenants state of legal entities and nobody has checked yet. */
@Path("/admin/v1/registration-claims")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class RegistrationClaimsResource {
    private final Registrations registrations;

    @Inject
    RegistrationClaimsResource(Registrations registrations) {
        this.registrations = registrations;
    }

    /** What waits for an officer. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public ClaimPage claims() {
        return new ClaimPage(
                "list", registrations.unconfirmed().stream().map(ClaimView::of).toList(), false);
    }

    /**
     * A claim as the API shows it.
     *
     * @param affiliate the affiliate's id, or null for the tenant's own number
     * @param statedAt seconds of the Unix epoch
     * @param confirmedTenants whom the tenant would join
     */
    public record ClaimView(
            String object,
            String tenant,
            @Nullable String affiliate,
            String name,
            @JsonProperty("registration_number") String registrationNumber,
            @JsonProperty("stated_at") long statedAt,
            @JsonProperty("confirmed_tenants") List<String> confirmedTenants) {
        static ClaimView of(Registrations.Claim c) {
            return new ClaimView(
                    "registration.claim",
                    c.tenant(),
                    c.affiliate(),
                    c.name(),
                    c.registrationNumber(),
                    c.statedAt().getEpochSecond(),
                    c.others());
        }
    }

    /** A list of claims. */
    public record ClaimPage(
            String object,
            List<ClaimView> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
