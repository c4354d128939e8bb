package io.altiplano.gateway.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code audit verify} against whoever owns the database server: a superuser, with the triggers off. The log has 45 rows; rows
 * 20 and 40 are signed.
 */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AuditVerifyTest {
    private static final String DELETE = "DELETE FROM audit_log WHERE seq = 25;";
    private static final String CLOSE_GAP =
            "UPDATE audit_log SET seq = -seq + 1 WHERE seq > 25;" + " UPDATE audit_log SET seq = -seq WHERE seq < 0;";
    private static final String INSERT = "UPDATE audit_log SET seq = -seq - 1 WHERE seq >= 25;"
            + " UPDATE audit_log SET seq = -seq WHERE seq < 0;"
            + " INSERT INTO audit_log (seq, at, actor, action, subject, detail, prev_hash, hash)"
            + " VALUES (25, now(), 'ana', 'made.up', 'x', '{}', '\\x00', '\\x00');";
    private static final String REORDER = "UPDATE audit_log SET seq = -seq WHERE seq IN (25, 26);"
            + " UPDATE audit_log SET seq = 51 + seq WHERE seq < 0;";

    private static final Map<String, String> TAMPERINGS = Map.of(
            "edit", "UPDATE audit_log SET detail = '{\"n\":0}' WHERE seq = 25",
            "edit of the person", "UPDATE audit_log SET actor_subject = 'bo' WHERE seq = 25",
            "delete", DELETE + CLOSE_GAP,
            "insert", INSERT,
            "reorder", REORDER,
            "truncate", "DELETE FROM audit_log WHERE seq > 30",
            "restamp", "UPDATE audit_log SET at = at - interval '1 day' WHERE seq = 25");

    private Path folder;
    private LogDatabase log;
    private CheckpointKeys keys;
    private Path file;

    private record Result(int status, String out, String err) {
        JsonNode json() throws Exception {
            return new ObjectMapper().readTree(out);
        }
    }

    @BeforeAll
    void writeAndSign() throws Exception {
        folder = Files.createTempDirectory("audit-verify");
        keys = CheckpointKeys.in(folder);
        file = folder.resolve("checkpoints.jsonl");
        log = LogDatabase.create("log").migrate("latest");
        log.append(20);
        assertThat(log.sign(keys, file)).isEqualTo(new CheckpointWriter.Outcome.Signed(20));
        log.append(20);
        assertThat(log.sign(keys, file)).isEqualTo(new CheckpointWriter.Outcome.Signed(40));
        log.append(5);
    }

    @AfterAll
    void drop() throws Exception {
        log.close();
    }

    @Test
    void anUntouchedLogHoldsAndWhatIsNotProvenIsSaid() throws Exception {
        Result result = verify(log);
        JsonNode json = verify(log, "--json").json();

        assertThat(result.status()).isZero();
        assertThat(result.out())
                .contains("The audit log holds: 45 rows")
                .contains("Proven to row 40: 2 checkpoints")
                .contains("The last 5 rows came after it");
        assertThat(json.get("holds").asBoolean()).isTrue();
        assertThat(json.get("rows").asLong()).isEqualTo(45);
        assertThat(json.get("proven_to").asLong()).isEqualTo(40);
        assertThat(json.get("unproven_rows").asLong()).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource({
        "edit, row_changed, 25",
        "edit of the person, row_changed, 25",
        "delete, chain_broken, 25",
        "insert, chain_broken, 25",
        "reorder, chain_broken, 25",
        "truncate, head_differs, 31",
        "restamp, row_changed, 25"
    })
    void aTamperingThatLeavesTheHashesIsDetectedByTheChain(String tampering, String code, long row) throws Exception {
        try (LogDatabase copy = log.copy("copy")) {
            copy.tamper(TAMPERINGS.getOrDefault(tampering, ""));

            Result result = verify(copy, "--json");

            assertThat(result.status()).isEqualTo(1);
            assertThat(result.json().get("code").asText()).isEqualTo(code);
            assertThat(result.json().get("first_bad_row").asLong()).isEqualTo(row);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "edit, rewritten, 21",
        "edit of the person, rewritten, 21",
        "delete, rewritten, 21",
        "insert, rewritten, 21",
        "reorder, rewritten, 21",
        "truncate, log_cut, 31",
        "restamp, rewritten, 21"
    })
    void aTamperingWhoseHashesAndHeadWereMadeAnewIsDetectedByTheCheckpointAlone(String tampering, String code, long row)
            throws Exception {
        try (LogDatabase copy = log.copy("copy")) {
            copy.tamper(TAMPERINGS.getOrDefault(tampering, ""));
            copy.rehash();
            AuditReport alone = copy.verifyAlone();

            Result result = verify(copy, "--json");
            Result told = verify(copy);

            assertThat(alone.fault()).as("the chain by itself is whole").isNull();
            assertThat(result.status()).isEqualTo(1);
            assertThat(result.json().get("code").asText()).isEqualTo(code);
            assertThat(result.json().get("first_bad_row").asLong()).isEqualTo(row);
            assertThat(told.out())
                    .contains("does NOT hold; first bad row: " + row)
                    .contains("What to do: Leave the database as it is");
        }
    }

    @Test
    void rowsMadeAnewBehindTheLastCheckpointAreNotSeenAndSaidToBeUnproven() throws Exception {
        try (LogDatabase copy = log.copy("copy")) {
            copy.tamper("UPDATE audit_log SET detail = '{\"n\":0}' WHERE seq = 43");
            copy.rehash();

            Result result = verify(copy);

            assertThat(result.status()).isZero();
            assertThat(result.out()).contains("The last 5 rows came after it");
        }
    }

    @Test
    void aSecondRowOfANumberIsDetected() throws Exception {
        try (LogDatabase copy = log.copy("copy")) {
            copy.tamper("ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey;"
                    + " INSERT INTO audit_log SELECT * FROM audit_log WHERE seq = 45");

            assertThat(verify(copy).status()).isEqualTo(1);
        }
    }

    @Test
    void aCheckpointByAnotherKeyIsRefused() throws Exception {
        CheckpointKeys others = CheckpointKeys.in(folder.resolve("others"));
        Path forged = folder.resolve("forged.jsonl");
        try (LogDatabase copy = log.copy("copy")) {
            copy.tamper(TAMPERINGS.getOrDefault("edit", ""));
            copy.rehash();
            copy.sign(others, forged);

            Result result = verify(copy, "--json", "--checkpoints", forged.toString());
            Result believed = verify(
                    copy,
                    "--checkpoints",
                    forged.toString(),
                    "--public-key",
                    others.publicKey().toString());

            assertThat(result.status()).isEqualTo(1);
            assertThat(result.json().get("code").asText()).isEqualTo("key_unknown");
            assertThat(believed.status()).as("whoever trusts the forger's key").isZero();
        }
    }

    @Test
    void aCheckpointWhoseLineWasChangedIsForged() throws Exception {
        List<String> lines = Files.readAllLines(file);
        String hash = SignedCheckpoint.parse(lines.getLast()).orElseThrow().hash();
        Path forged = write(lines.getFirst(), lines.getLast().replace(hash, "00".repeat(32)));

        Result result = verify(log, "--json", "--checkpoints", forged.toString());

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.json().get("code").asText()).isEqualTo("checkpoint_forged");
        assertThat(result.json().get("message").asText()).contains("line 2");
    }

    @Test
    void aLineTakenOutPutInTwiceOrMovedIsDetected() throws Exception {
        List<String> lines = Files.readAllLines(file);

        for (Path wrong : List.of(
                write(lines.getLast()),
                write(lines.getFirst(), lines.getFirst(), lines.getLast()),
                write(lines.getLast(), lines.getFirst()))) {
            Result result = verify(log, "--json", "--checkpoints", wrong.toString());

            assertThat(result.status()).isEqualTo(1);
            assertThat(result.json().get("code").asText()).isEqualTo("checkpoint_order");
        }
    }

    @Test
    void checkpointsThatEndBeforeARowThatWasSignedAreNoPass() throws Exception {
        Path cut = write(Files.readAllLines(file).getFirst());

        Result unknowing = verify(log, "--checkpoints", cut.toString());
        Result knowing = verify(log, "--checkpoints", cut.toString(), "--min-seq", "40");
        Result whole = verify(log, "--min-seq", "40");

        assertThat(unknowing.status()).isZero();
        assertThat(knowing.status()).isEqualTo(1);
        assertThat(knowing.out()).contains("checkpoints_cut").contains("end at row 20, but row 40");
        assertThat(whole.status()).isZero();
    }

    @Test
    void aLineThatACrashLeftHalfIsLeftOutAndSaid() throws Exception {
        Path torn = write(Files.readAllLines(file).getFirst());
        Files.writeString(torn, Files.readString(torn) + "{\"seq\":40,\"ha");

        Result result = verify(log, "--checkpoints", torn.toString());

        assertThat(result.status()).isZero();
        assertThat(result.out()).contains("is not whole").contains("Proven to row 20");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense\n", "{}\n", "{\"seq\":1e99}\n", "\n", "\u0000\n"})
    void aFileThatHoldsNoCheckpointIsNoPass(String content) throws Exception {
        Path empty = folder.resolve("empty.jsonl");
        Files.writeString(empty, content);

        Result result = verify(log, "--checkpoints", empty.toString());

        assertThat(result.status()).isEqualTo(content.isEmpty() ? 2 : 1);
    }

    @Test
    void withoutTheFileTheKeyOrTheDatabaseNothingIsVerifiedAndItIsSaidWhatToDo() {
        Result noFile =
                verify(log, "--checkpoints", folder.resolve("gone.jsonl").toString());
        Result noKey = verify(log, "--public-key", folder.resolve("gone.pem").toString());
        Result noDatabase = verify(log, "--url", "jdbc:postgresql://127.0.0.1:1/nothing");
        Result nothing = execute(Map.of(), "verify");
        Result unknown = execute(Map.of(), "verify", "--sideways");

        assertThat(List.of(noFile, noKey, noDatabase, nothing, unknown)).allMatch(r -> r.status() == 2);
        assertThat(noFile.err()).contains("gone.jsonl").contains("restore it from its copy");
        assertThat(noKey.err()).contains("There is no key file").contains("gone.pem");
        assertThat(noDatabase.err()).contains("127.0.0.1:1").contains("Start the platform");
        assertThat(nothing.err()).contains("ALTIPLANO_AUDIT_CHECKPOINTS");
        assertThat(unknown.err()).contains("--sideways");
    }

    @Test
    void helpTellsOptionsAndExitCodes() {
        Result help = execute(Map.of(), "verify", "--help");

        assertThat(help.status()).isZero();
        assertThat(help.out()).contains("--min-seq", "--json", "--public-key", "--checkpoints", "Exit code 0");
    }

    private Path write(String... lines) throws Exception {
        Path path = Files.createTempFile(folder, "made", ".jsonl");
        return Files.writeString(path, String.join("\n", lines) + "\n");
    }

    private Result verify(LogDatabase database, String... more) {
        Map<String, String> environment = new HashMap<>(database.environment());
        environment.put("ALTIPLANO_AUDIT_CHECKPOINTS", file.toString());
        environment.put("ALTIPLANO_AUDIT_PUBLIC_KEY", keys.publicKey().toString());
        List<String> arguments = new ArrayList<>(List.of("verify"));
        arguments.addAll(List.of(more));
        return execute(environment, arguments.toArray(String[]::new));
    }

    private static Result execute(Map<String, String> environment, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = AuditCli.execute(new PrintWriter(out), new PrintWriter(err), environment, arguments);
        return new Result(status, out.toString(), err.toString());
    }
}
