package io.altiplano.gateway.access;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tenants;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** Makes API keys, lists and revokes them. */
@ApplicationScoped
public class ApiKeys {
    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final KeyHasher hasher;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    @Inject
    ApiKeys(Db db, AuditLog audit, Tenants tenants, KeyHasher hasher, Clock clock) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.hasher = hasher;
        this.clock = clock;
    }

    /** A new key with its text, which is nowhere after this. */
    record Created(ApiKey key, KeyText text) {}

    /** Makes a key for a tenant's project. */
    Created create(String actor, String tenantId, String projectId, String name, Role role) {
        KeyText text = KeyText.create(random);
        String id = "key_" + UUID.randomUUID().toString().replace("-", "");
        ApiKey key = new ApiKey(id, tenantId, projectId, name, text.prefix(), role, clock.instant(), null);
        return db.operator(handle -> {
            tenants.require(handle, tenantId);
            tenants.requireProject(handle, tenantId, projectId);
            ApiKeyStore.insert(handle, key, hasher.hash(text));
            Map<String, String> detail =
                    Map.of("project", projectId, "name", name, "prefix", text.prefix(), "role", role.name());
            audit.append(handle, new AuditEntry(actor, "api_key.create", tenantId, id, detail));
            return new Created(key, text);
        });
    }

    /** A tenant's keys, revoked ones too, by age. */
    List<ApiKey> list(String tenantId) {
        return db.operator(handle -> {
            tenants.require(handle, tenantId);
            return ApiKeyStore.ofTenant(handle, tenantId);
        });
    }

    /** Revokes a key; twice is once. Empty if there is none. Every gateway refuses it within a second. */
    Optional<ApiKey> revoke(String actor, String id) {
        return db.operator(handle -> {
            Optional<ApiKey> found = ApiKeyStore.lock(handle, id);
            if (found.isPresent() && found.get().revokedAt() == null) {
                ApiKeyStore.revoke(handle, id);
                Map<String, String> detail = Map.of("prefix", found.get().prefix());
                audit.append(
                        handle,
                        new AuditEntry(actor, "api_key.revoke", found.get().tenantId(), id, detail));
            }
            return found;
        });
    }
}
