package io.altiplano.gateway.access;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * For which tenant the person of the current request speaks, and as what. Membership is the database's to say and is asked for
 * in each request; nothing in a token or a body can claim it.
 */
@RequestScoped
public class CurrentMember {
    /** Names the tenant where the person is a member of several; OpenAI's clients send it for their option "organization". */
    public static final String HEADER = "OpenAI-Organization";

    private final Db db;
    private final CurrentPerson person;
    private final RoutingContext request;

    @Inject
    CurrentMember(Db db, CurrentPerson person, RoutingContext request) {
        this.db = db;
        this.person = person;
        this.request = request;
    }

    /** A person inside a tenant. */
    public record Member(Person person, String tenantId, Role role) {}

    /**
     * The member.
     *
     * @throws ApiException 401 without an access token; 403 where the person is a member of no tenant; 400 where the person is
     *     a member of several and the header names none; 404 where it names one that the person is not a member of, whether or
     *     not there is one of that name
     */
    public Member get() {
        Person who = person.get();
        List<ApiKeyStore.Membership> all = db.auth(handle -> ApiKeyStore.memberships(handle, who.subject()));
        @Nullable String wanted = request.request().getHeader(HEADER);
        if (wanted == null && all.isEmpty()) {
            throw new ApiException(ApiError.forbidden(
                    "no_membership",
                    "You are a member of no tenant: ask an owner of yours to add you, or sign up with one."));
        }
        if (wanted == null && all.size() > 1) {
            throw new ApiException(ApiError.invalidRequest(
                    HEADER,
                    "organization_required",
                    "You are a member of several tenants; name one in the header " + HEADER + ": "
                            + all.stream().map(ApiKeyStore.Membership::tenantId).collect(Collectors.joining(", "))
                            + "."));
        }
        return all.stream()
                .filter(m -> wanted == null || m.tenantId().equals(wanted))
                .findFirst()
                .map(m -> new Member(who, m.tenantId(), m.role()))
                .orElseThrow(() -> Tenants.unknown(shown(wanted)));
    }

    /**
     * The member, if it is at least that.
     *
     * @throws ApiException as {@link #get}, and 403 where the role is less
     */
    public Member require(Role least) {
        Member member = get();
        if (member.role().compareTo(least) < 0) {
            throw new ApiException(ApiError.forbidden(
                    "insufficient_role", "Your role in this tenant does not allow this; ask one of its owners."));
        }
        return member;
    }

    private static String shown(@Nullable String id) {
        String printable = id == null ? "" : id.replaceAll("[^\\x20-\\x7e]", "?");
        return printable.length() > 100 ? printable.substring(0, 100) + "..." : printable;
    }
}
