package io.altiplano.gateway.db;

import io.agroal.api.AgroalDataSource;
import io.quarkus.agroal.DataSource;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jdbi.v3.postgres.PostgresPlugin;
import org.jspecify.annotations.Nullable;

/**
 * Transactions on PostgreSQL, each as one login role that may do no more than its kind of work needs. Row-level security
 * does the rest: the tenant is set for one transaction, and a row of another tenant is not there.
 *
 * <p>Each method but {@link #statement} and {@link #watch} runs {@code work} in one transaction on the calling thread, commits, and
 * gives its result; if the work throws, the transaction is rolled back and the exception passes on. All throw {@link DatabaseUnavailableException} when
 * the server is away, is shutting down, or gives no connection within a second.
 */
@ApplicationScoped
public class Db {
    private final Pool tenant;
    private final Pool auth;
    private final Pool ledger;
    private final Pool operator;
    private final Pool watch;

    private record Pool(AgroalDataSource source, Jdbi jdbi) {
        static Pool of(AgroalDataSource source) {
            return new Pool(source, Jdbi.create(source).installPlugin(new PostgresPlugin()));
        }
    }

    @Inject
    Db(
            @DataSource("tenant") AgroalDataSource tenant,
            @DataSource("auth") AgroalDataSource auth,
            @DataSource("ledger") AgroalDataSource ledger,
            @DataSource("operator") AgroalDataSource operator,
            @DataSource("watch") AgroalDataSource watch) {
        this.tenant = Pool.of(tenant);
        this.auth = Pool.of(auth);
        this.ledger = Pool.of(ledger);
        this.operator = Pool.of(operator);
        this.watch = Pool.of(watch);
    }

    /** As app_tenant for one tenant: what belongs to others does not exist. */
    public <T extends @Nullable Object> T tenant(String tenantId, Function<Handle, T> work) {
        if (tenantId.isEmpty()) {
            throw new IllegalArgumentException("no tenant: use platform() for what belongs to nobody");
        }
        return run(tenant, handle -> {
            handle.execute("SELECT set_config('app.tenant', ?, true)", tenantId);
            return work.apply(handle);
        });
    }

    /** As app_tenant for no tenant: the platform's own rows (platform models, reply leases, the licence epoch), no others. */
    public <T extends @Nullable Object> T platform(Function<Handle, T> work) {
        return run(tenant, work);
    }

    /**
     * As app_tenant, one statement that is a transaction of its own: one round trip where {@link #tenant} takes three. The
     * statement sets its tenant itself, or sees what {@link #platform} sees.
     */
    public <T extends @Nullable Object> T statement(Function<Handle, T> work) {
        return guarded(tenant, () -> tenant.jdbi().<T, RuntimeException>withHandle(work::apply));
    }

    /**
     * As app_tenant for no tenant, one statement on a connection that requests never take: what every request waits for must
     * not wait behind requests.
     */
    public <T extends @Nullable Object> T watch(Function<Handle, T> work) {
        return guarded(watch, () -> watch.jdbi().<T, RuntimeException>withHandle(work::apply));
    }

    /** As app_auth: the API key look-up and nothing else. */
    public <T extends @Nullable Object> T auth(Function<Handle, T> work) {
        return run(auth, work);
    }

    /** As app_ledger: the usage tables and nothing else. */
    public <T extends @Nullable Object> T ledger(Function<Handle, T> work) {
        return run(ledger, work);
    }

    /** As app_operator: all tenants. A transaction that changes something and leaves no audit row does not commit. */
    public <T extends @Nullable Object> T operator(Function<Handle, T> work) {
        return run(operator, work);
    }

    private static <T extends @Nullable Object> T run(Pool pool, Function<Handle, T> work) {
        return guarded(pool, () -> pool.jdbi().<T, RuntimeException>inTransaction(work::apply));
    }

    private static <T extends @Nullable Object> T guarded(Pool pool, Supplier<T> work) {
        try {
            return work.get();
        } catch (JdbiException e) {
            if (isAway(e)) {
                // What broke one connection has broken those that lie idle: let the next request have a new one.
                pool.source().flush(AgroalDataSource.FlushMode.IDLE);
                throw new DatabaseUnavailableException(e);
            }
            throw e;
        }
    }

    /** The data of the statement is at fault (PostgreSQL's classes 22 and 23): trying again gives the same. */
    public static boolean isAboutData(Throwable thrown) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (t instanceof SQLException e && e.getSQLState() != null) {
                return e.getSQLState().startsWith("22") || e.getSQLState().startsWith("23");
            }
        }
        return false;
    }

    /** The server, not the statement, is at fault: PostgreSQL's classes 08, 53 and 57P, or the pool's own time-out. */
    static boolean isAway(Throwable thrown) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            if (t instanceof SQLTransientConnectionException) {
                return true;
            }
            if (t instanceof SQLException e) {
                String state = e.getSQLState();
                if (state == null) {
                    // Agroal's own refusals (acquisition time-out, pool shut down) carry no state; the driver's always
                    // do.
                    return true;
                }
                if (state.startsWith("08") || state.startsWith("53") || AWAY.contains(state)) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * Shutting down, crashed, starting up; an idle transaction ended by the server; a read-only standby; a statement or lock
     * that took too long; a deadlock or a transaction that others overtook.
     */
    private static final Set<String> AWAY =
            Set.of("57P01", "57P02", "57P03", "25P03", "25006", "57014", "55P03", "40P01", "40001");
}
