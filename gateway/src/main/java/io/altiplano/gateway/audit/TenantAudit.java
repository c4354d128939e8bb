package io.altiplano.gateway.audit;

import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The audit log as one tenant may read it: what concerned it, newest first. */
@ApplicationScoped
public class TenantAudit {
    private static final Pattern ID = Pattern.compile("audit_log-[0-9a-f]{64}");

    private final Db db;

    @Inject
    TenantAudit(Db db) {
        this.db = db;
    }

    /**
     * One thing that was done.
     *
     * @param id "audit_log-" and the row's hash in hex: its place in the chain, without the platform's count of rows
     * @param at when
     * @param actor who, by name
     * @param actorSubject the person's OIDC subject; empty for a part of the platform, and in the oldest rows
     * @param action what
     * @param subject which thing
     * @param detail JSON
     */
    public record Entry(
            String id, Instant at, String actor, String actorSubject, String action, String subject, String detail) {}

    /**
     * At most {@code most} of a tenant's entries, newest first, under its row rules.
     *
     * @param after id of the entry before the first one wanted, or null
     * @return empty if {@code after} is none of the tenant's
     */
    public Optional<List<Entry>> list(String tenantId, @Nullable String after, int most) {
        if (after != null && !ID.matcher(after).matches()) {
            return Optional.empty();
        }
        return db.tenant(tenantId, handle -> {
            if (after == null) {
                return Optional.of(TenantAuditStore.before(handle, tenantId, Long.MAX_VALUE, most));
            }
            return TenantAuditStore.seq(handle, tenantId, after.substring("audit_log-".length()))
                    .map(seq -> TenantAuditStore.before(handle, tenantId, seq, most));
        });
    }
}
