package io.altiplano.stack.faults;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Connections to PostgreSQL that leave nobody another one, the first of which keeps a table to itself. */
final class Crowd {
    private final Thread thread;
    private volatile boolean over;

    Crowd(Cluster cluster) {
        thread = Thread.ofVirtual().name("crowd").start(() -> stand(cluster));
    }

    private void stand(Cluster cluster) {
        List<Connection> held = new ArrayList<>();
        try {
            Connection first = cluster.superuser();
            held.add(first);
            first.setAutoCommit(false);
            try (Statement lock = first.createStatement()) {
                lock.execute("LOCK TABLE limit_use IN ACCESS EXCLUSIVE MODE");
            }
            while (!over) {
                held.add(cluster.superuser());
            }
        } catch (SQLException e) {
            // Full, or away by another fault: either way nobody gets a connection.
            while (!over) {
                LockSupport.parkNanos(10_000_000);
            }
        } finally {
            held.forEach(Crowd::close);
        }
    }

    private static void close(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            // The server was killed meanwhile, and the connection with it.
            return;
        }
    }

    /** Lets go of all. */
    void disperse() {
        over = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
