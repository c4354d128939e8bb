package io.altiplano.gateway.tenant;

/** What kind of customer a tenant is. Its plan's limits and its weight in the queue follow from it. */
public enum Tier {
    /** Free, under the community licences. */
    COMMUNITY,
    /** Builds and publishes derived models with us. */
    PARTNER,
    /** Pays, with agreed limits. */
    ENTERPRISE,
    /** The platform's own. */
    INTERNAL
}
