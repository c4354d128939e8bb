package io.altiplano.gateway.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.gateway.audit.CheckpointWriter.Outcome;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a gateway signs, and what it does not. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class CheckpointWriterTest {
    @TempDir
    Path folder;

    @Inject
    AuditLog audit;

    private LogDatabase log;
    private CheckpointKeys keys;
    private Path file;

    @BeforeEach
    void create() throws Exception {
        log = LogDatabase.create("signed").migrate("latest");
        keys = CheckpointKeys.in(folder);
        file = folder.resolve("checkpoints.jsonl");
    }

    @AfterEach
    void drop() throws Exception {
        log.close();
    }

    @Test
    void theHeadIsSignedOnceEachTimeThatItHasMoved() throws Exception {
        Outcome empty = log.sign(keys, file);
        log.append(3);
        Outcome first = log.sign(keys, file);
        Outcome again = log.sign(keys, file);
        log.append(1);
        Outcome second = log.sign(keys, file);

        assertThat(List.of(empty, first, again, second))
                .containsExactly(
                        new Outcome.Nothing(), new Outcome.Signed(3), new Outcome.Nothing(), new Outcome.Signed(4));
        List<String> lines = Files.readAllLines(file);
        SignedCheckpoint last = SignedCheckpoint.parse(lines.getLast()).orElseThrow();
        assertThat(lines).hasSize(2);
        assertThat(last.previous()).isEqualTo(SignedCheckpoint.hashOf(lines.getFirst()));
        assertThat(PublicKeys.read(List.of(keys.publicKey())).signed(last)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE audit_log SET actor = 'x' WHERE seq = 7       | false | ROW_CHANGED",
                "UPDATE audit_log SET actor = 'x' WHERE seq = 2       | true  | CHAIN_BROKEN",
                "DELETE FROM audit_log WHERE seq = 7                  | false | ROW_MISSING",
                "DELETE FROM audit_log WHERE seq > 3                  | true  | LOG_CUT",
                "DELETE FROM audit_log WHERE seq > 6                  | false | HEAD_DIFFERS",
                "UPDATE audit_head SET hash = decode(repeat('11', 32), 'hex') | false | HEAD_DIFFERS"
            })
    void aLogThatDoesNotContinueTheLastCheckpointIsNotSigned(String tampering, boolean rehash, AuditFault.Code code)
            throws Exception {
        log.append(5);
        log.sign(keys, file);
        log.append(5);
        log.tamper(tampering);
        if (rehash) {
            log.rehash();
        }

        Outcome outcome = log.sign(keys, file);

        assertThat(outcome)
                .isInstanceOfSatisfying(
                        Outcome.Refused.class, r -> assertThat(r.fault().code()).isEqualTo(code));
        assertThat(Files.readAllLines(file)).hasSize(1);
    }

    @Test
    void aLastLineThatNobodySignedIsNotContinued() throws Exception {
        log.append(5);
        CheckpointKeys others = CheckpointKeys.in(folder.resolve("others"));
        log.sign(others, file);
        log.append(1);

        assertThat(log.sign(keys, file)).isInstanceOf(Outcome.Refused.class);
    }

    @Test
    void aHalfLineOfACrashIsTakenAwayBeforeTheNext() throws Exception {
        log.append(5);
        log.sign(keys, file);
        String whole = Files.readString(file);
        Files.writeString(file, whole + "{\"seq\":6,\"hash\":\"00");
        log.append(1);

        Outcome outcome = log.sign(keys, file);

        assertThat(outcome).isEqualTo(new Outcome.Signed(6));
        assertThat(Files.readString(file)).startsWith(whole);
        assertThat(read()).extracting(SignedCheckpoint::seq).containsExactly(5L, 6L);
    }

    @Test
    void gatewaysThatShareAFileKeepItOneChain() throws Exception {
        List<Callable<Void>> gateways = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            gateways.add(() -> {
                for (int n = 0; n < 15; n++) {
                    log.append(1);
                    assertThat(log.sign(keys, file)).isNotInstanceOf(Outcome.Refused.class);
                }
                return null;
            });
        }
        try (var executor = Executors.newFixedThreadPool(4)) {
            for (Future<Void> done : executor.invokeAll(gateways)) {
                done.get();
            }
        }
        log.sign(keys, file);

        assertThat(read()).hasSizeGreaterThan(4);
        assertThat(read().getLast().seq()).isEqualTo(60);
        assertThat(log.verifyAlone().rows()).isEqualTo(60);
    }

    @Test
    void afterAChangeOfTheKeyTheOldOnesCheckpointsAreContinued() throws Exception {
        log.append(5);
        log.sign(keys, file);
        CheckpointKeys next = CheckpointKeys.in(folder.resolve("next"));
        Files.writeString(next.publicKey(), Files.readString(next.publicKey()) + Files.readString(keys.publicKey()));
        log.append(1);

        Outcome outcome = log.sign(next, file);

        assertThat(outcome).isEqualTo(new Outcome.Signed(6));
        assertThat(read(next).stream().map(SignedCheckpoint::key).distinct()).hasSize(2);
    }

    @Test
    void aKeyThatEverybodyReadsOrThatIsNoPairIsRefused() throws Exception {
        CheckpointKeys others = CheckpointKeys.in(folder.resolve("others"));
        CheckpointKeys mixed = new CheckpointKeys(keys.privateKey(), others.publicKey());

        assertThatThrownBy(() -> log.sign(mixed, file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("belongs to the private key");
        Files.setPosixFilePermissions(keys.privateKey(), PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> log.sign(keys, file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("chmod 600");
    }

    @Test
    void aGatewaySignsNowAndThenAndALastTimeWhenItStops() throws Exception {
        Path own = folder.resolve("own/checkpoints.jsonl");
        Checkpoints often = new Checkpoints(audit, settings(own, Duration.ofMillis(50)), Clock.systemUTC());
        Checkpoints once = new Checkpoints(
                audit, settings(folder.resolve("once/checkpoints.jsonl"), Duration.ofHours(1)), Clock.systemUTC());
        io.altiplano.gateway.testing.AdminApi.newTenant("signed", "community");

        often.start(new StartupEvent());
        once.start(new StartupEvent());
        long until = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while ((!Files.exists(own) || Files.size(own) == 0) && System.nanoTime() < until) {
            Thread.sleep(20);
        }
        boolean early = Files.exists(folder.resolve("once/checkpoints.jsonl"));
        often.stop(new ShutdownEvent());
        once.stop(new ShutdownEvent());

        assertThat(Files.readAllLines(own)).isNotEmpty();
        assertThat(early).isFalse();
        assertThat(Files.readAllLines(folder.resolve("once/checkpoints.jsonl"))).hasSize(1);
    }

    private AuditSettings settings(Path checkpoints, Duration every) {
        return new AuditSettings() {
            @Override
            public Optional<Path> checkpoints() {
                return Optional.of(checkpoints);
            }

            @Override
            public Optional<Path> signingKey() {
                return Optional.of(keys.privateKey());
            }

            @Override
            public Optional<Path> publicKey() {
                return Optional.of(keys.publicKey());
            }

            @Override
            public Duration checkpointEvery() {
                return every;
            }
        };
    }

    private List<SignedCheckpoint> read() {
        return read(keys);
    }

    private List<SignedCheckpoint> read(CheckpointKeys by) {
        CheckpointReader reader = new CheckpointReader(PublicKeys.read(List.of(by.publicKey())));
        reader.read(file);
        assertThat(reader.fault()).isNull();
        return reader.checkpoints();
    }
}
