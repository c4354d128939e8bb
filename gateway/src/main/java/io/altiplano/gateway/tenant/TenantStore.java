package io.altiplano.gateway.tenant;

import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jspecify.annotations.Nullable;

/** {@code tenant} and {@code project} in SQL. */
final class TenantStore {
    private static final String COLUMNS =
            "SELECT id, name, tier, registration_number, registration_confirmed_at, domicile, principal_place, created_at"
                    + " FROM tenant ";

    private TenantStore() {}

    /** Whether it was new. */
    static boolean insert(Handle handle, Tenant tenant, String cacheSalt) {
        return handle.createUpdate("""
                                INSERT INTO tenant (id, name, tier, registration_number, domicile, principal_place,
                                    cache_salt, created_at)
                                VALUES (:id, :name, :tier, :registrationNumber, :domicile, :principalPlace, :cacheSalt, :createdAt)
                                ON CONFLICT (id) DO NOTHING""")
                        .bindMethods(tenant)
                        .bind("cacheSalt", cacheSalt)
                        .execute()
                == 1;
    }

    static void insertProject(Handle handle, String tenantId, String id, String name) {
        handle.execute("INSERT INTO project (tenant_id, id, name) VALUES (?, ?, ?)", tenantId, id, name);
    }

    static boolean projectExists(Handle handle, String tenantId, String id) {
        return handle.createQuery(
                        "SELECT EXISTS (SELECT FROM project WHERE tenant_id = :tenant AND id = :id AND archived_at IS NULL)")
                .bind("tenant", tenantId)
                .bind("id", id)
                .mapTo(Boolean.class)
                .one();
    }

    static Optional<Tenant> find(Handle handle, String id) {
        return handle.createQuery(COLUMNS + "WHERE id = :id")
                .bind("id", id)
                .map(ConstructorMapper.of(Tenant.class))
                .findOne();
    }

    /** Changes what is given, and leaves what is null. */
    static void update(
            Handle operator,
            String id,
            @Nullable String name,
            @Nullable String registrationNumber,
            @Nullable String domicile,
            @Nullable String principalPlace) {
        operator.createUpdate("""
                        UPDATE tenant SET name = coalesce(:name, name),
                            registration_number = coalesce(:registration, registration_number),
                            domicile = coalesce(:domicile, domicile),
                            principal_place = coalesce(:principalPlace, principal_place)
                        WHERE id = :id""")
                .bind("id", id)
                .bind("name", name)
                .bind("registration", registrationNumber)
                .bind("domicile", domicile)
                .bind("principalPlace", principalPlace)
                .execute();
    }

    /** Notes who has checked its registration number. */
    static void confirm(Handle operator, String id, String by) {
        operator.execute(
                "UPDATE tenant SET registration_confirmed_by = ?, registration_confirmed_at = clock_timestamp() WHERE id = ?",
                by,
                id);
    }

    /** Ids of the tenants that are confirmed to be a legal entity. */
    static List<String> confirmedAs(Handle operator, String registrationNumber) {
        return operator.createQuery("SELECT id FROM tenant WHERE registration_number = :number"
                        + " AND registration_confirmed_at IS NOT NULL ORDER BY id")
                .bind("number", registrationNumber)
                .mapTo(String.class)
                .list();
    }

    /** Tenants whose registration number nobody has checked, oldest first. */
    static List<Tenant> unconfirmed(Handle operator) {
        return operator.createQuery(COLUMNS
                        + "WHERE registration_number IS NOT NULL AND registration_confirmed_at IS NULL"
                        + " ORDER BY created_at, id")
                .map(ConstructorMapper.of(Tenant.class))
                .list();
    }

    static List<Tenant> list(Handle handle) {
        return handle.createQuery(COLUMNS + "ORDER BY id")
                .map(ConstructorMapper.of(Tenant.class))
                .list();
    }
}
