package io.altiplano.gateway.audit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Properties;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.postgres.PostgresPlugin;

/** The chain as one transaction on a connection of its own sees it: read-only, and all of one moment. */
final class ConnectionChainStore implements ChainSource, AutoCloseable {
    private final Connection connection;
    private final Handle handle;

    private ConnectionChainStore(Connection connection) {
        this.connection = connection;
        this.handle =
                Jdbi.create(connection).installPlugin(new PostgresPlugin()).open();
    }

    /** On an open connection, and in its transaction if there is one. */
    static ConnectionChainStore in(Connection open) {
        return new ConnectionChainStore(open);
    }

    /**
     * Connects.
     *
     * @throws CheckpointException the server is away or refuses
     */
    static ConnectionChainStore connect(String url, String user, String password) {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        properties.setProperty("ApplicationName", "altiplano-audit-verify");
        properties.setProperty("connectTimeout", "5");
        try {
            Connection connection = DriverManager.getConnection(url, properties);
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            return in(connection);
        } catch (SQLException e) {
            throw new CheckpointException(
                    "The database " + url.replaceAll("\\?.*", "") + " cannot be read as " + user + ": " + e.getMessage()
                            + " Start the platform, or name the database with --url, --user and the password in"
                            + " ALTIPLANO_DB_OPERATOR_PASSWORD.",
                    e);
        }
    }

    @Override
    public Head head() {
        return AuditStore.head(handle);
    }

    @Override
    public List<AuditRow> after(long seq, int most) {
        return AuditStore.after(handle, seq, most);
    }

    @Override
    public long count() {
        return AuditStore.count(handle);
    }

    @Override
    public void close() {
        handle.close();
        try {
            // Jdbi leaves open what it did not open.
            connection.close();
        } catch (SQLException e) {
            throw new CheckpointException("The connection to the database did not close: " + e.getMessage(), e);
        }
    }
}
