package io.altiplano.gateway.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of both versions in one chain. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AuditUpgradeTest {
    @Test
    void rowsFromBeforeVerifyByTheirRuleAndNewOnesContinueThem() throws Exception {
        try (LogDatabase log = LogDatabase.create("grown").migrate("11")) {
            log.append(5);
            log.migrate("latest");
            log.append(5);

            AuditReport report = log.verifyAlone();

            assertThat(report.fault()).isNull();
            assertThat(report.rows()).isEqualTo(10);
            try (ConnectionChainStore source = log.connect()) {
                assertThat(source.after(0, 10))
                        .extracting(AuditRow::version)
                        .containsExactly(1, 1, 1, 1, 1, 2, 2, 2, 2, 2);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE audit_log SET subject = 'x' WHERE seq = 3 | ROW_CHANGED",
                "ALTER TABLE audit_log DROP CONSTRAINT first_version_covers_no_subject; UPDATE audit_log SET actor_subject = 'x' WHERE seq = 3 | ROW_CHANGED",
                "UPDATE audit_log SET version = 2 WHERE seq = 5 | ROW_CHANGED",
                "UPDATE audit_log SET version = 1 WHERE seq = 7 | VERSION_UNKNOWN",
                "UPDATE audit_log SET version = 3 WHERE seq = 10 | VERSION_UNKNOWN"
            })
    void anOldRowAndTheVersionThemselvesAreGuarded(String tampering, AuditFault.Code code) throws Exception {
        try (LogDatabase log = LogDatabase.create("grown").migrate("11")) {
            log.append(5);
            log.migrate("latest");
            log.append(5);
            log.tamper(tampering);

            AuditReport report = log.verifyAlone();

            assertThat(report.fault()).isNotNull().extracting(AuditFault::code).isEqualTo(code);
        }
    }

    @Test
    void writersAtOnceStandInLine() throws Exception {
        try (LogDatabase log = LogDatabase.create("crowded").migrate("latest")) {
            List<Callable<Void>> writers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                writers.add(() -> {
                    for (int n = 0; n < 10; n++) {
                        log.append(2);
                    }
                    return null;
                });
            }
            try (var executor = Executors.newFixedThreadPool(8)) {
                for (Future<Void> done : executor.invokeAll(writers)) {
                    done.get();
                }
            }

            AuditReport report = log.verifyAlone();

            assertThat(report.fault()).isNull();
            assertThat(report.rows()).isEqualTo(160);
        }
    }
}
