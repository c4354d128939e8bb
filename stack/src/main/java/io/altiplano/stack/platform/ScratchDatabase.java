package io.altiplano.stack.platform;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.function.IntSupplier;

/** An empty database on a running server, for as long as some work takes. */
public final class ScratchDatabase {
    private ScratchDatabase() {}

    /**
     * Creates the database anew, does the work, and drops it.
     *
     * @param serverUrl JDBC address of another database of the server
     * @param password the superuser's
     * @return what the work gives
     */
    public static int during(String serverUrl, String password, Database database, Path gatewayApp, IntSupplier work) {
        try (Connection superuser = DriverManager.getConnection(serverUrl, PostgresServer.SUPERUSER, password)) {
            drop(superuser, database.name());
            database.create(superuser, gatewayApp);
            try {
                return work.getAsInt();
            } finally {
                drop(superuser, database.name());
            }
        } catch (SQLException e) {
            throw new InfraException("PostgreSQL refused the database " + database.name() + ": " + e.getMessage(), e);
        }
    }

    private static void drop(Connection superuser, String name) throws SQLException {
        try (var statement = superuser.createStatement()) {
            statement.execute("DROP DATABASE IF EXISTS \"" + name + "\" WITH (FORCE)");
        }
    }
}
