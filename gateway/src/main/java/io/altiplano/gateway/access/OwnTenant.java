package io.altiplano.gateway.access;

import io.quarkus.security.identity.SecurityIdentity;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import java.util.Optional;
import org.eclipse.microprofile.jwt.JsonWebToken;

/** The tenant that the bearer token of the current admin request is bound to. */
@RequestScoped
public class OwnTenant {
    /** The token's claim that names the tenant of a customer's person. */
    static final String CLAIM = "tenant";

    private final SecurityIdentity identity;

    @Inject
    OwnTenant(SecurityIdentity identity) {
        this.identity = identity;
    }

    /** The tenant's id; empty for the platform's own people. */
    public Optional<String> get() {
        return identity.getPrincipal() instanceof JsonWebToken token
                ? token.<Object>claim(CLAIM).map(Object::toString).filter(id -> !id.isBlank())
                : Optional.empty();
    }
}
