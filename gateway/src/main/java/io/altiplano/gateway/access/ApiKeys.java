package io.altiplano.gateway.access;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Makes API keys, lists, rotates and revokes them. Every gateway knows of an end within a second. */
@ApplicationScoped
public class ApiKeys {
    private static final Pattern ID = Pattern.compile("key_[0-9a-f]{32}");

    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final KeyHasher hasher;
    private final KeySettings settings;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    @Inject
    ApiKeys(Db db, AuditLog audit, Tenants tenants, KeyHasher hasher, KeySettings settings, Clock clock) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.hasher = hasher;
        this.settings = settings;
        this.clock = clock;
    }

    /** A new key with its secret text, which is nowhere after this. */
    public record Created(ApiKey key, String secret) {
        /** The secret stays out of logs. */
        @Override
        public String toString() {
            return "Created[" + key + "]";
        }
    }

    /**
     * A key that is wanted.
     *
     * @param tenantId whose
     * @param projectId what its jobs are billed to
     * @param name for people
     * @param role what callers with it may do
     * @param scopes what it is for, at least one
     * @param expiresAt when it ends by itself, or null
     */
    public record Wanted(
            String tenantId,
            String projectId,
            String name,
            Role role,
            Set<KeyScope> scopes,
            @Nullable Instant expiresAt) {}

    /**
     * Makes a key for a tenant's project.
     *
     * @throws ApiException 404 no such tenant or project, or it is archived
     */
    public Created create(Person person, Wanted wanted) {
        return db.operator(handle -> {
            tenants.require(handle, wanted.tenantId());
            tenants.requireProject(handle, wanted.tenantId(), wanted.projectId());
            Created created = insert(handle, person, wanted, null);
            audit.append(
                    handle,
                    AuditEntry.by(
                            person,
                            "api_key.create",
                            wanted.tenantId(),
                            created.key().id(),
                            detail(created.key())));
            return created;
        });
    }

    /**
     * Makes a key in another's place: same project, role and scopes. The old one ends after the overlap, or when it would have
     * ended anyway.
     *
     * @param expiresAt when the new one ends; null: it lives as long as the old one was to, if that was to end
     * @throws ApiException 404 no such key there; 409 it has ended or has a successor already
     */
    public Created rotate(Person person, KeyPlace at, Duration overlap, @Nullable Instant expiresAt) {
        return db.operator(handle -> {
            ApiKey old = lock(handle, at).orElseThrow(() -> unknown(at.id()));
            Instant now = clock.instant();
            if (old.revokedAt() != null
                    || (old.expiresAt() != null && !old.expiresAt().isAfter(now))) {
                throw new ApiException(ApiError.conflict(
                        "api_key_ended", "The API key " + old.id() + " has ended; create a new one instead."));
            }
            if (ApiKeyStore.hasSuccessor(handle, old.id())) {
                throw new ApiException(ApiError.conflict(
                        "api_key_rotated", "The API key " + old.id() + " has a successor already; rotate that one."));
            }
            tenants.requireProject(handle, old.tenantId(), old.projectId());
            Instant newEnd = expiresAt == null && old.expiresAt() != null
                    ? now.plus(Duration.between(old.createdAt(), old.expiresAt()))
                    : expiresAt;
            Wanted wanted = new Wanted(old.tenantId(), old.projectId(), old.name(), old.role(), old.scopes(), newEnd);
            Created created = insert(handle, person, wanted, old.id());
            Instant end = now.plus(overlap);
            if (old.expiresAt() == null || end.isBefore(old.expiresAt())) {
                ApiKeyStore.expire(handle, old.id(), end);
            }
            Map<String, Object> detail = new HashMap<>(detail(created.key()));
            detail.put("old_key", old.id());
            detail.put("overlap_seconds", overlap.toSeconds());
            audit.append(
                    handle,
                    AuditEntry.by(
                            person,
                            "api_key.rotate",
                            old.tenantId(),
                            created.key().id(),
                            detail));
            return created;
        });
    }

    /**
     * A tenant's keys, ended ones too, by age.
     *
     * @throws ApiException 404 no such tenant
     */
    List<ApiKey> list(String tenantId) {
        return db.operator(handle -> {
            tenants.require(handle, tenantId);
            return ApiKeyStore.ofTenant(handle, tenantId, null);
        });
    }

    /** A project's keys that are not revoked, by age, under its tenant's row rules. */
    public List<ApiKey> ofProject(String tenantId, String projectId) {
        return db.tenant(tenantId, handle -> ApiKeyStore.ofTenant(handle, tenantId, projectId)).stream()
                .filter(key -> key.revokedAt() == null)
                .toList();
    }

    /** Revokes a key; twice is once. Empty if there is none there. */
    public Optional<ApiKey> revoke(Person person, KeyPlace at) {
        return db.operator(handle -> {
            Optional<ApiKey> found = lock(handle, at);
            if (found.isPresent() && found.get().revokedAt() == null) {
                ApiKeyStore.revoke(handle, at.id());
                Map<String, String> detail = Map.of("prefix", found.get().prefix());
                audit.append(
                        handle,
                        AuditEntry.by(person, "api_key.revoke", found.get().tenantId(), at.id(), detail));
            }
            return found;
        });
    }

    /** The answer to a key that is not there, or not the asker's to see. */
    public static ApiException unknown(String id) {
        return new ApiException(ApiError.notFound("api_key_not_found", "There is no API key " + id + "."));
    }

    private static Optional<ApiKey> lock(Handle operator, KeyPlace at) {
        return ID.matcher(at.id()).matches() ? ApiKeyStore.lock(operator, at) : Optional.empty();
    }

    private Created insert(Handle operator, Person person, Wanted wanted, @Nullable String rotatedFrom) {
        KeyText text = KeyText.create(random, settings.env());
        ApiKey key = new ApiKey(
                "key_" + UUID.randomUUID().toString().replace("-", ""),
                wanted.tenantId(),
                wanted.projectId(),
                wanted.name(),
                settings.env(),
                text.prefix(),
                wanted.role(),
                wanted.scopes(),
                person.subject(),
                clock.instant(),
                wanted.expiresAt(),
                null,
                null,
                rotatedFrom);
        ApiKeyStore.insert(operator, key, hasher.hash(text));
        return new Created(key, text.secretText());
    }

    private static Map<String, Object> detail(ApiKey key) {
        Map<String, Object> detail = new HashMap<>();
        detail.put("project", key.projectId());
        detail.put("name", key.name());
        detail.put("prefix", key.prefix());
        detail.put("role", key.role().text());
        detail.put("scopes", key.scopes().stream().map(KeyScope::text).collect(Collectors.joining(" ")));
        if (key.expiresAt() != null) {
            detail.put("expires_at", key.expiresAt().getEpochSecond());
        }
        return detail;
    }
}
