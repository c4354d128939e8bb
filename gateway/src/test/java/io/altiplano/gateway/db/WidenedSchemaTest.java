package io.altiplano.gateway.db;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The next version's migration adds columns while this version runs. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class WidenedSchemaTest {
    /** Far more than the driver waits for before it has the server keep a statement, on every connection of the pool. */
    private static final int UNTIL_KEPT = 200;

    @Inject
    Db db;

    private static void superuser(String sql) throws SQLException {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @AfterEach
    void narrow() throws SQLException {
        superuser("ALTER TABLE platform_policy DROP COLUMN IF EXISTS of_next_version");
    }

    private static int columns(Handle handle) {
        return handle.createQuery("SELECT * FROM platform_policy ORDER BY seq DESC LIMIT 1")
                .map((row, context) -> row.getMetaData().getColumnCount())
                .one();
    }

    @Test
    void statementsThatTheServerKeepsGoOnInTransactionsWithAColumnMore() throws SQLException {
        // given
        int before = 0;
        for (int i = 0; i < UNTIL_KEPT; i++) {
            before = db.operator(WidenedSchemaTest::columns);
        }

        // when
        superuser("ALTER TABLE platform_policy ADD COLUMN of_next_version text DEFAULT 'next'");

        // then
        for (int i = 0; i < UNTIL_KEPT; i++) {
            assertThat(db.operator(WidenedSchemaTest::columns)).isEqualTo(before + 1);
        }
    }
}
