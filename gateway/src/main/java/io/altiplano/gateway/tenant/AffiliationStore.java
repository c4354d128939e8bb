package io.altiplano.gateway.tenant;

import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code affiliate} and {@code product} in SQL. */
final class AffiliationStore {
    private AffiliationStore() {}

    /** Declares an affiliate; false if it is declared already. */
    static boolean insert(Handle operator, String id, String tenantId, String name, String registration, String by) {
        return operator.createUpdate("""
                                INSERT INTO affiliate (id, tenant_id, name, registration_number, declared_by)
                                VALUES (:id, :tenant, :name, :registration, :by)
                                ON CONFLICT (tenant_id, registration_number) WHERE removed_at IS NULL DO NOTHING""")
                        .bind("id", id)
                        .bind("tenant", tenantId)
                        .bind("name", name)
                        .bind("registration", registration)
                        .bind("by", by)
                        .execute()
                == 1;
    }

    static List<Affiliate> affiliates(Handle handle, String tenantId) {
        return handle.createQuery("SELECT * FROM affiliate WHERE tenant_id = :tenant ORDER BY declared_at, id")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Affiliate.class))
                .list();
    }

    static Optional<Affiliate> lock(Handle operator, String tenantId, String id) {
        return operator.createQuery(
                        "SELECT * FROM affiliate WHERE id = :id AND tenant_id = :tenant AND removed_at IS NULL FOR UPDATE")
                .bind("id", id)
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Affiliate.class))
                .findOne();
    }

    /** Notes who has checked that it is one. */
    static void confirm(Handle operator, String id, String by) {
        operator.execute(
                "UPDATE affiliate SET confirmed_by = ?, confirmed_at = clock_timestamp() WHERE id = ?", by, id);
    }

    /** Affiliates that nobody has checked, oldest first. */
    static List<Affiliate> unconfirmed(Handle operator) {
        return operator.createQuery(
                        "SELECT * FROM affiliate WHERE confirmed_at IS NULL AND removed_at IS NULL ORDER BY declared_at, id")
                .map(ConstructorMapper.of(Affiliate.class))
                .list();
    }

    static void remove(Handle operator, String id) {
        operator.execute("UPDATE affiliate SET removed_at = clock_timestamp() WHERE id = ?", id);
    }

    static boolean insertProduct(Handle operator, String id, String tenantId, String name) {
        return operator.createUpdate("""
                                INSERT INTO product (id, tenant_id, name) VALUES (:id, :tenant, :name)
                                ON CONFLICT (tenant_id, name) WHERE ended_at IS NULL DO NOTHING""")
                        .bind("id", id)
                        .bind("tenant", tenantId)
                        .bind("name", name)
                        .execute()
                == 1;
    }

    static List<Product> products(Handle handle, String tenantId) {
        return handle.createQuery("SELECT * FROM product WHERE tenant_id = :tenant ORDER BY declared_at, id")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Product.class))
                .list();
    }

    static boolean endProduct(Handle operator, String tenantId, String id) {
        return operator.createUpdate("""
                                UPDATE product SET ended_at = clock_timestamp()
                                WHERE id = :id AND tenant_id = :tenant AND ended_at IS NULL""")
                        .bind("id", id)
                        .bind("tenant", tenantId)
                        .execute()
                == 1;
    }

    /** Ids of the tenants for which a tenant's figures count, itself among them. */
    static List<String> boundBy(Handle operator, String tenantId) {
        return operator.createQuery("SELECT member_tenant FROM bound_by(:tenant)")
                .bind("tenant", tenantId)
                .mapTo(String.class)
                .list();
    }

    /** Ids of the tenants whose figures count for a tenant, itself among them. */
    static List<String> group(Handle handle, String tenantId) {
        return handle.createQuery("SELECT member_tenant FROM group_of(:tenant)")
                .bind("tenant", tenantId)
                .mapTo(String.class)
                .list();
    }
}
