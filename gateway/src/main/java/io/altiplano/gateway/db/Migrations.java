package io.altiplano.gateway.db;

import io.agroal.api.AgroalDataSource;
import io.quarkus.agroal.DataSource;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.config.Config;
import org.flywaydb.core.Flyway;
import org.jboss.logging.Logger;

/**
 * Brings the schema up to date before anything else starts. Flyway alone decides and acts, but what it would do is nothing at
 * almost every start and takes it a third of one: it is only called where the {@link SchemaHistory} differs in anything from
 * these classes' own migrations.
 */
@ApplicationScoped
class Migrations {
    private static final Logger LOG = Logger.getLogger(Migrations.class);
    private static final List<String> ROLES = List.of("owner", "tenant", "auth", "ledger", "operator");

    private final AgroalDataSource owner;
    private final Config config;

    @Inject
    Migrations(@DataSource("owner") AgroalDataSource owner, Config config) {
        this.owner = owner;
        this.config = config;
    }

    void start(@Observes @Priority(100) StartupEvent event) {
        if (SchemaHistory.isOfTheseClasses(owner)) {
            LOG.info("the schema is up to date");
            return;
        }
        Map<String, String> placeholders = new HashMap<>();
        for (String role : ROLES) {
            placeholders.put(role + "_role", config.getValue("altiplano.db." + role + ".username", String.class));
        }
        var unused = Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(owner)
                .locations("classpath:" + SchemaHistory.FOLDER)
                .placeholders(placeholders)
                .validateOnMigrate(true)
                .load()
                .migrate();
    }
}
