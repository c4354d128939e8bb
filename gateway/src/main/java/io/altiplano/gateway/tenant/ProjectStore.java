package io.altiplano.gateway.tenant;

import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code project} in SQL. */
final class ProjectStore {
    private static final String COLUMNS = "SELECT tenant_id, id, name, created_at, archived_at FROM project ";

    private ProjectStore() {}

    /** Whether it was new. */
    static boolean insert(Handle operator, Project project) {
        return operator.createUpdate("""
                                INSERT INTO project (tenant_id, id, name, created_at)
                                VALUES (:tenantId, :id, :name, :createdAt) ON CONFLICT DO NOTHING""").bindMethods(project).execute() == 1;
    }

    static List<Project> ofTenant(Handle handle, String tenantId) {
        return handle.createQuery(COLUMNS + "WHERE tenant_id = :tenant ORDER BY created_at, id")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Project.class))
                .list();
    }

    static Optional<Project> find(Handle handle, String tenantId, String id) {
        return handle.createQuery(COLUMNS + "WHERE tenant_id = :tenant AND id = :id")
                .bind("tenant", tenantId)
                .bind("id", id)
                .map(ConstructorMapper.of(Project.class))
                .findOne();
    }

    static void rename(Handle operator, String tenantId, String id, String name) {
        operator.execute("UPDATE project SET name = ? WHERE tenant_id = ? AND id = ?", name, tenantId, id);
    }

    static void archive(Handle operator, String tenantId, String id) {
        operator.execute(
                "UPDATE project SET archived_at = coalesce(archived_at, now()) WHERE tenant_id = ? AND id = ?",
                tenantId,
                id);
    }
}
