package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import org.jboss.logging.Logger;

/** What tenants are told of their quotas' use: once at 50, 80 and 100 per cent of each in each period. */
@ApplicationScoped
public class Alerts {
    private static final Logger LOG = Logger.getLogger(Alerts.class);

    private final Db db;

    @Inject
    Alerts(Db db) {
        this.db = db;
    }

    /** A tenant's alerts, newest first, under its row rules. */
    public List<LimitAlert> list(String tenantId) {
        return db.tenant(tenantId, handle -> AlertStore.ofTenant(handle, tenantId));
    }

    /** A request was refused because a hard limit is used up; it may never be reached to the token. */
    void exhausted(Standing standing, Standing.Use use) {
        try {
            db.tenant(standing.tenantId(), handle -> AlertStore.exhausted(handle, standing, use))
                    .ifPresent(alert -> tell(List.of(alert)));
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("the alert comes with the next refusal: %s", e.getMessage());
        }
    }

    /** Logs alerts that are new. */
    static void tell(List<LimitAlert> alerts) {
        for (LimitAlert a : alerts) {
            LOG.warnf(
                    "limit alert: tenant %s, project %s, %s from %s: %d %% used, %s of %s",
                    a.tenantId(),
                    a.projectId().isEmpty() ? "(all)" : a.projectId(),
                    a.limitName(),
                    a.period(),
                    a.threshold(),
                    a.used().toPlainString(),
                    a.limitValue().toPlainString());
        }
    }
}
