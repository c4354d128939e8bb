package io.altiplano.gateway.tenant;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** A tenant's projects. An archived one stays for its ledger; within a second no gateway takes its keys. */
@ApplicationScoped
public class Projects {
    private final Db db;
    private final AuditLog audit;
    private final Clock clock;

    @Inject
    Projects(Db db, AuditLog audit, Clock clock) {
        this.db = db;
        this.audit = audit;
        this.clock = clock;
    }

    /** All of a tenant's, archived ones too, by age, under its row rules. */
    public List<Project> list(String tenantId) {
        return db.tenant(tenantId, handle -> ProjectStore.ofTenant(handle, tenantId));
    }

    /**
     * One of a tenant's, under its row rules.
     *
     * @throws ApiException 404 it has no such project
     */
    public Project require(String tenantId, String id) {
        Optional<Project> found = Tenants.isId(id)
                ? db.tenant(tenantId, handle -> ProjectStore.find(handle, tenantId, id))
                : Optional.empty();
        return found.orElseThrow(() -> unknown(tenantId, id));
    }

    /**
     * Makes a project.
     *
     * @param id a DNS label
     * @throws ApiException 409 there is one of that id
     */
    public Project create(Person actor, String tenantId, String id, String name) {
        Project project = new Project(tenantId, id, name, clock.instant(), null);
        return db.operator(operator -> {
            if (!ProjectStore.insert(operator, project)) {
                throw new ApiException(ApiError.conflict(
                        "project_exists", "There is a project " + id + " already; choose another id."));
            }
            audit.append(operator, AuditEntry.by(actor, "project.create", tenantId, id, Map.of("name", name)));
            return project;
        });
    }

    /**
     * Gives a project another name.
     *
     * @throws ApiException 404 no such project
     */
    public Project rename(Person actor, String tenantId, String id, String name) {
        return db.operator(operator -> {
            requireIn(operator, tenantId, id);
            ProjectStore.rename(operator, tenantId, id, name);
            audit.append(operator, AuditEntry.by(actor, "project.update", tenantId, id, Map.of("name", name)));
            return requireIn(operator, tenantId, id);
        });
    }

    /**
     * Ends a project; twice is once.
     *
     * @throws ApiException 404 no such project; 409 it is the default one
     */
    public Project archive(Person actor, String tenantId, String id) {
        return db.operator(operator -> {
            Project before = requireIn(operator, tenantId, id);
            if (before.id().equals(Tenants.DEFAULT_PROJECT)) {
                throw new ApiException(ApiError.conflict(
                        "default_project_stays", "The default project cannot be archived; delete its keys instead."));
            }
            if (before.archivedAt() != null) {
                return before;
            }
            ProjectStore.archive(operator, tenantId, id);
            audit.append(operator, AuditEntry.by(actor, "project.archive", tenantId, id, Map.of()));
            return requireIn(operator, tenantId, id);
        });
    }

    private static Project requireIn(Handle operator, String tenantId, String id) {
        return (Tenants.isId(id) ? ProjectStore.find(operator, tenantId, id) : Optional.<Project>empty())
                .orElseThrow(() -> unknown(tenantId, id));
    }

    private static ApiException unknown(String tenantId, String id) {
        return new ApiException(
                ApiError.notFound("project_not_found", "The tenant " + tenantId + " has no project " + id + "."));
    }
}
