package io.altiplano.stack.journey;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

@Journey
class AuditJourneyTest {
    private static final String TURN = """
            SET session_replication_role = replica;
            UPDATE audit_log SET subject = reverse(subject) WHERE seq = 2""";

    @Test
    void whatWasDoneIsSignedOutsideTheDatabaseAndAChangedRowIsNamed(Platform platform) throws Exception {
        // given
        platform.newTenant(Platform.uniqueId("audited"), 1_000);
        String whole = awaitProof(platform);

        // when
        String changed;
        try (Connection superuser = platform.superuser();
                Statement statement = superuser.createStatement()) {
            statement.execute(TURN);
            try {
                changed = platform.verifyAudit();
            } finally {
                statement.execute(TURN);
            }
        }

        // then
        assertThat(whole).contains("The audit log holds").endsWith("exit code 0");
        assertThat(changed).contains("first bad row: 2").endsWith("exit code 1");
        assertThat(platform.verifyAudit()).endsWith("exit code 0");
    }

    /** A gateway signs within ten seconds. */
    private static String awaitProof(Platform platform) throws InterruptedException {
        Instant until = Instant.now().plus(Duration.ofSeconds(60));
        String said = platform.verifyAudit();
        while (!said.contains("Proven to row") && Instant.now().isBefore(until)) {
            Thread.sleep(1000);
            said = platform.verifyAudit();
        }
        return said;
    }
}
