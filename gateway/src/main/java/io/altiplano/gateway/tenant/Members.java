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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** The members of tenants. Nothing but these rows makes a person one: no claim of a token, no field of a body. */
@ApplicationScoped
public class Members {
    private static final int MOST_SUBJECT = 255;

    private final Db db;
    private final AuditLog audit;
    private final Clock clock;

    @Inject
    Members(Db db, AuditLog audit, Clock clock) {
        this.db = db;
        this.audit = audit;
        this.clock = clock;
    }

    /** A tenant's members by age, under its row rules. */
    public List<Member> list(String tenantId) {
        return db.tenant(tenantId, handle -> MemberStore.ofTenant(handle, tenantId));
    }

    /** One of them, under the tenant's row rules. */
    public Optional<Member> find(String tenantId, String subject) {
        return isSubject(subject)
                ? db.tenant(tenantId, handle -> MemberStore.find(handle, tenantId, subject))
                : Optional.empty();
    }

    /**
     * Adds a member.
     *
     * @throws ApiException 404 no such tenant; 409 the person is one already
     */
    public Member add(Person actor, String tenantId, String subject, Role role, @Nullable String name) {
        return db.operator(operator -> {
            lock(operator, tenantId);
            if (MemberStore.find(operator, tenantId, subject).isPresent()) {
                throw new ApiException(ApiError.conflict(
                        "user_exists", "This person is a member of the tenant already; change its role instead."));
            }
            return insert(operator, actor, new Member(tenantId, subject, name, role, clock.instant()));
        });
    }

    /** What became of a member that was put: it is new, or was there. */
    record Put(Member member, boolean isNew) {}

    /**
     * Adds a member, or gives the role to one that is there: the operator's way, who may leave a tenant without an owner.
     *
     * @throws ApiException 404 no such tenant
     */
    Put put(Person actor, String tenantId, String subject, Role role, @Nullable String name) {
        return db.operator(operator -> {
            lock(operator, tenantId);
            Optional<Member> before = MemberStore.find(operator, tenantId, subject);
            if (before.isEmpty()) {
                Member member = new Member(tenantId, subject, name, role, clock.instant());
                return new Put(insert(operator, actor, member), true);
            }
            return new Put(change(operator, actor, before.get(), role), false);
        });
    }

    /**
     * Gives a member another role.
     *
     * @throws ApiException 404 no such member; 409 it is the last owner
     */
    public Member changeRole(Person actor, String tenantId, String subject, Role role) {
        return db.operator(operator -> {
            lock(operator, tenantId);
            Member before = require(operator, tenantId, subject);
            if (role != Role.OWNER) {
                keepAnOwner(operator, before);
            }
            return change(operator, actor, before, role);
        });
    }

    /**
     * Removes a member.
     *
     * @throws ApiException 404 no such member; 409 it is the last owner
     */
    public void remove(Person actor, String tenantId, String subject) {
        remove(actor, tenantId, subject, true);
    }

    /** The same for the operator, who may leave a tenant without an owner. */
    void removeByOperator(Person actor, String tenantId, String subject) {
        remove(actor, tenantId, subject, false);
    }

    /** Writes a new member in the transaction that makes it one. */
    Member insert(Handle operator, Person actor, Member member) {
        MemberStore.insert(operator, member);
        Map<String, Object> detail = new HashMap<>(Map.of("role", member.role().text()));
        if (member.name() != null) {
            detail.put("name", member.name());
        }
        audit.append(operator, AuditEntry.by(actor, "member.add", member.tenantId(), member.subject(), detail));
        return member;
    }

    /** The answer to a person that is no member of the tenant, whether or not it is one of another. */
    public static ApiException unknown() {
        return new ApiException(ApiError.notFound("user_not_found", "The tenant has no such member."));
    }

    private void remove(Person actor, String tenantId, String subject, boolean keepOwner) {
        var unused = db.operator(operator -> {
            lock(operator, tenantId);
            Member before = require(operator, tenantId, subject);
            if (keepOwner) {
                keepAnOwner(operator, before);
            }
            MemberStore.delete(operator, tenantId, subject);
            Map<String, String> detail = Map.of("role", before.role().text());
            audit.append(operator, AuditEntry.by(actor, "member.remove", tenantId, subject, detail));
            return true;
        });
    }

    private Member change(Handle operator, Person actor, Member before, Role role) {
        if (before.role() == role) {
            return before;
        }
        MemberStore.setRole(operator, before.tenantId(), before.subject(), role);
        Map<String, String> detail = Map.of("from", before.role().text(), "to", role.text());
        audit.append(operator, AuditEntry.by(actor, "member.role", before.tenantId(), before.subject(), detail));
        return new Member(before.tenantId(), before.subject(), before.name(), role, before.createdAt());
    }

    /** With the tenant locked, so that two owners cannot remove each other. */
    private static void keepAnOwner(Handle operator, Member member) {
        if (member.role() == Role.OWNER && MemberStore.owners(operator, member.tenantId()) == 1) {
            throw new ApiException(ApiError.conflict(
                    "last_owner", "This is the tenant's last owner: make another member owner first."));
        }
    }

    private static void lock(Handle operator, String tenantId) {
        Tenants.requireId(tenantId);
        if (TierStore.lock(operator, tenantId).isEmpty()) {
            throw Tenants.unknown(tenantId);
        }
    }

    private static Member require(Handle operator, String tenantId, String subject) {
        return (isSubject(subject) ? MemberStore.find(operator, tenantId, subject) : Optional.<Member>empty())
                .orElseThrow(Members::unknown);
    }

    private static boolean isSubject(String text) {
        return !text.isEmpty()
                && text.length() <= MOST_SUBJECT
                && text.codePoints()
                        .noneMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
    }
}
