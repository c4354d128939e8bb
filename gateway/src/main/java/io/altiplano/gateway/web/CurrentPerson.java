package io.altiplano.gateway.web;

import io.quarkus.security.identity.SecurityIdentity;
import jakarta.enterprise.context.RequestScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.jwt.JsonWebToken;

/**
 * The person whose access token the current request carries. People are told apart by the token's subject alone: names can be
 * changed and given to somebody else.
 */
@RequestScoped
public class CurrentPerson {
    private static final String SYSTEM = "system:";

    private final SecurityIdentity identity;

    @Inject
    CurrentPerson(SecurityIdentity identity) {
        this.identity = identity;
    }

    /** Subject and name of the person, or twice "system:" and a part of the platform. */
    public record Person(String subject, String name) {
        /** Whether it is a part of the platform; no token's subject is taken for one. */
        public boolean isSystem() {
            return subject.startsWith(SYSTEM);
        }
    }

    /**
     * The person.
     *
     * @throws ApiException 401 where the request carries no access token, or one without a subject of a person
     */
    public Person get() {
        if (identity.isAnonymous()
                || !(identity.getPrincipal() instanceof JsonWebToken token)
                || token.getSubject() == null
                || token.getSubject().isBlank()
                || token.getSubject().startsWith(SYSTEM)) {
            throw new ApiException(
                    ApiError.unauthorized(
                            "invalid_token",
                            "This needs an access token of the platform's identity provider: send Authorization: Bearer TOKEN."));
        }
        return new Person(token.getSubject(), token.getName());
    }

    /** Whether the person has a realm role. */
    public boolean hasRole(String role) {
        return identity.hasRole(role);
    }
}
