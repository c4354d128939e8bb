package io.altiplano.gateway.db;

import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Hears NOTIFY on connections of its own, and opens a new one when one is lost. What is said meanwhile is lost: for speed
 * alone, never what something rests on.
 */
@ApplicationScoped
public class Listener {
    /** What the server calls its connections. */
    public static final String APPLICATION_NAME = "altiplano-gateway-listen";

    private static final Logger LOG = Logger.getLogger(Listener.class);
    private static final Pattern CHANNEL = Pattern.compile("[a-z_]{1,60}");
    private static final Duration READ = Duration.ofSeconds(2);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final String url;
    private final String username;
    private final String password;
    private final CountDownLatch stopped = new CountDownLatch(1);

    @Inject
    Listener(
            @ConfigProperty(name = "altiplano.db.url") String url,
            @ConfigProperty(name = "altiplano.db.options") String options,
            @ConfigProperty(name = "altiplano.db.tenant.username") String username,
            @ConfigProperty(name = "altiplano.db.tenant.password") String password) {
        this.url = url + options;
        this.username = username;
        this.password = password;
    }

    /** Calls {@code heard} after each notification on a channel, on a thread of the listener's, until the end. */
    public void listen(String channel, Runnable heard) {
        if (!CHANNEL.matcher(channel).matches()) {
            throw new IllegalArgumentException("not a channel: " + channel);
        }
        Thread.ofVirtual().name("listen-" + channel).start(() -> run(channel, heard));
    }

    void stop(@Observes ShutdownEvent event) {
        stopped.countDown();
    }

    private void run(String channel, Runnable heard) {
        try {
            do {
                try (Connection connection = DriverManager.getConnection(url, username, password)) {
                    hear(connection, channel, heard);
                } catch (SQLException e) {
                    LOG.debugf("not listening on %s: %s", channel, e.getMessage());
                }
            } while (!stopped.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void hear(Connection connection, String channel, Runnable heard) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET application_name = '" + APPLICATION_NAME + "'");
            statement.execute("LISTEN " + channel);
        }
        PGConnection listening = connection.unwrap(PGConnection.class);
        while (stopped.getCount() > 0) {
            PGNotification[] said = listening.getNotifications(Math.toIntExact(READ.toMillis()));
            if (said != null && said.length > 0) {
                heard.run();
            }
        }
    }
}
