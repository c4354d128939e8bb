package io.altiplano.gateway.web;

/** Realm roles of the identity provider that the admin API asks for. A tenant's people have none: their roles are memberships. */
public final class RealmRole {
    /** Runs the platform: may change everything. */
    public static final String ADMIN = "platform-admin";
    /** Licence officer: records licence facts on evidence. */
    public static final String OFFICER = "licence-officer";
    /** Reads everything and changes nothing. */
    public static final String AUDITOR = "auditor";

    private RealmRole() {}
}
