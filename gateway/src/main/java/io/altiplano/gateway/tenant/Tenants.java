package io.altiplano.gateway.tenant;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.quarkus.arc.All;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** The tenants. Each has a project {@code default} from the start. */
@ApplicationScoped
public class Tenants {
    /** The project that every tenant has. */
    public static final String DEFAULT_PROJECT = "default";

    /** How many tenants a person may own and still sign up another. */
    static final int MOST_OWNED = 5;

    private static final int SALT_BYTES = 32;
    private static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

    private final Db db;
    private final AuditLog audit;
    private final Members members;
    private final List<GroupChange> groupChanges;
    private final SecureRandom random = new SecureRandom();

    @Inject
    Tenants(Db db, AuditLog audit, Members members, @All List<GroupChange> groupChanges) {
        this.members = members;
        this.groupChanges = groupChanges;
        this.db = db;
        this.audit = audit;
    }

    /**
     * Registers a tenant with its default project and a fresh cache salt; false if the id is taken. Its registration number is
     * confirmed: the operator itself states it.
     */
    boolean create(Person actor, Tenant tenant) {
        return db.operator(handle -> {
            if (!insert(handle, tenant)) {
                return false;
            }
            if (tenant.registrationNumber() != null) {
                TenantStore.confirm(handle, tenant.id(), actor.subject());
            }
            audit.append(handle, AuditEntry.by(actor, "tenant.create", tenant.id(), tenant.id(), detail(tenant)));
            followGroup(handle, tenant.id());
            return true;
        });
    }

    /**
     * Registers a tenant for the person that signs up, who becomes its owner. Nobody has checked its registration number: it
     * is bound by that legal entity's figures, and binds nobody before an officer confirms it.
     *
     * @throws ApiException 409 the id is taken; 403 the person owns {@link #MOST_OWNED} tenants already
     */
    public void signUp(Person person, Tenant tenant) {
        var unused = db.operator(handle -> {
            if (MemberStore.ownedBy(handle, person.subject()) >= MOST_OWNED) {
                throw new ApiException(ApiError.forbidden(
                        "too_many_tenants",
                        "You own " + MOST_OWNED + " tenants already; ask the platform's administrator for another."));
            }
            if (!insert(handle, tenant)) {
                throw taken(tenant.id());
            }
            audit.append(handle, AuditEntry.by(person, "tenant.sign_up", tenant.id(), tenant.id(), detail(tenant)));
            members.insert(
                    handle,
                    person,
                    new Member(tenant.id(), person.subject(), person.name(), Role.OWNER, tenant.createdAt()));
            followGroup(handle, tenant.id());
            return true;
        });
    }

    private boolean insert(Handle operator, Tenant tenant) {
        byte[] salt = new byte[SALT_BYTES];
        random.nextBytes(salt);
        if (!TenantStore.insert(operator, tenant, HexFormat.of().formatHex(salt))) {
            return false;
        }
        TenantStore.insertProject(operator, tenant.id(), DEFAULT_PROJECT, "Default");
        return true;
    }

    private static Map<String, String> detail(Tenant tenant) {
        Map<String, String> detail = new TreeMap<>();
        detail.put("name", tenant.name());
        detail.put("tier", tenant.tier().text());
        Particulars.put(detail, "registration_number", tenant.registrationNumber());
        return detail;
    }

    /** The answer to an id that another tenant has. */
    static ApiException taken(String id) {
        return new ApiException(
                ApiError.conflict("tenant_exists", "There is a tenant " + id + " already; choose another id."));
    }

    /**
     * Changes a tenant's particulars; null leaves one as it is. A registration number that a member states is not confirmed by
     * it.
     *
     * @throws ApiException 404 no such tenant; 409 its registration number is known and another
     */
    Tenant update(Person actor, String id, Particulars to) {
        return db.operator(operator -> {
            require(operator, id);
            TierStore.lock(operator, id);
            Tenant before = TenantStore.find(operator, id).orElseThrow();
            if (to.registrationNumber() != null
                    && before.registrationNumber() != null
                    && !to.registrationNumber().equals(before.registrationNumber())) {
                throw new ApiException(ApiError.conflict(
                        "registration_number_is_fixed",
                        "The tenant is registered as " + before.registrationNumber()
                                + " and stays so, with its group; another legal entity is another tenant."));
            }
            TenantStore.update(operator, id, to.name(), to.registrationNumber(), to.domicile(), to.principalPlace());
            if (to.registrationNumber() != null
                    && before.registrationNumber() == null
                    && MemberStore.find(operator, id, actor.subject()).isEmpty()) {
                TenantStore.confirm(operator, id, actor.subject());
            }
            audit.append(operator, AuditEntry.by(actor, "tenant.update", id, id, to.given()));
            followGroup(operator, id);
            return TenantStore.find(operator, id).orElseThrow();
        });
    }

    /**
     * What may be changed of a tenant; null: as it is.
     *
     * @param name for people
     * @param registrationNumber once, where it was not known
     * @param domicile ISO 3166-1 alpha-2
     * @param principalPlace ISO 3166-1 alpha-2
     */
    record Particulars(
            @Nullable String name,
            @Nullable String registrationNumber,
            @Nullable String domicile,
            @Nullable String principalPlace) {
        Map<String, String> given() {
            Map<String, String> given = new TreeMap<>();
            put(given, "name", name);
            put(given, "registration_number", registrationNumber);
            put(given, "domicile", domicile);
            put(given, "principal_place", principalPlace);
            return given;
        }

        private static void put(Map<String, String> given, String key, @Nullable String value) {
            if (value != null) {
                given.put(key, value);
            }
        }
    }

    /** All of them, by id. */
    public List<Tenant> list() {
        return db.operator(TenantStore::list);
    }

    private void followGroup(Handle operator, String id) {
        List<String> bound = AffiliationStore.boundBy(operator, id);
        groupChanges.forEach(follower -> follower.changed(operator, bound));
    }

    /** One of them, inside an operator's transaction. */
    public Optional<Tenant> find(Handle operator, String id) {
        return TenantStore.find(operator, id);
    }

    /** One of them. */
    public Optional<Tenant> find(String id) {
        return isId(id) ? db.operator(handle -> TenantStore.find(handle, id)) : Optional.empty();
    }

    /** Whether a text can be the id of a tenant or project. */
    public static boolean isId(String text) {
        return ID.matcher(text).matches();
    }

    /**
     * Refuses what cannot be a tenant's id before it goes anywhere.
     *
     * @throws ApiException 404, as for a tenant that is not there
     */
    public static void requireId(String id) {
        if (!isId(id)) {
            throw unknown(id);
        }
    }

    /**
     * Checks that a tenant is there, inside an operator's transaction.
     *
     * @throws ApiException 404 if it is not
     */
    public void require(Handle operator, String id) {
        requireId(id);
        if (TenantStore.find(operator, id).isEmpty()) {
            throw unknown(id);
        }
    }

    /**
     * Checks that a project is there, inside an operator's transaction.
     *
     * @throws ApiException 404 if it is not
     */
    public void requireProject(Handle operator, String tenantId, String id) {
        if (!isId(id) || !TenantStore.projectExists(operator, tenantId, id)) {
            throw new ApiException(
                    ApiError.notFound("project_not_found", "The tenant " + tenantId + " has no project " + id + "."));
        }
    }

    /** The answer to a tenant that is not there, or not the asker's to see: the same for both. */
    public static ApiException unknown(String id) {
        return new ApiException(ApiError.notFound("tenant_not_found", "There is no tenant " + id + "."));
    }
}
