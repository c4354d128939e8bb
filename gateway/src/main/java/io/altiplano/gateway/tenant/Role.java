package io.altiplano.gateway.tenant;

/** What a caller may do inside its tenant. */
public enum Role {
    /** Looks, and changes or spends nothing. */
    VIEWER,
    /** Runs jobs. */
    MEMBER,
    /** Runs jobs and manages the tenant's own things. */
    OWNER
}
