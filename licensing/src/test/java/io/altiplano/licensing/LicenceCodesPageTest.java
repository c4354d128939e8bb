package io.altiplano.licensing;

import static io.altiplano.licensing.Facts.BEFORE;
import static io.altiplano.licensing.Facts.NOW;
import static io.altiplano.licensing.Facts.accepted;
import static io.altiplano.licensing.Facts.attestation;
import static io.altiplano.licensing.Facts.small;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * docs/licence-codes.md says what the engine says: each code is provoked, and its place, clause, message and remedy go into the
 * page. On a difference the test leaves the right page in target/licence-codes.md, to be read and copied.
 */
class LicenceCodesPageTest {
    private static final String HEAD = """
            # Licence codes

            Why the licence engine denies a use. A denial gives all its reasons in the order of this table, and its code is
            the first one's: first what cannot be judged, then rights that have ended, then rights never had, then steps that
            the licensee can take by itself. The examples are what the engine answers; the page is checked by
            `LicenceCodesPageTest`.

            What the platform asks for beyond a licence is never among these codes. The threshold is a snapshot for each
            licence version: it is tested for the calendar month before the version's release date, a calendar day without a
            time zone. Dates of grants and claims are days in UTC.

            | | code | clause | means | example | next step |
            |---|---|---|---|---|---|
            """;

    @Test
    void thePageSaysWhatTheEngineSays() throws IOException {
        Map<ReasonCode, Reason> examples = examples();

        String page = page(examples);

        Path target = Files.createDirectories(Path.of("target")).resolve("licence-codes.md");
        Files.writeString(target, page);
        assertThat(examples).containsOnlyKeys(ReasonCode.values());
        assertThat(Path.of(System.getProperty("altiplano.root", ".."), "docs", "licence-codes.md"))
                .as("docs/licence-codes.md; if the new text is right, copy licensing/target/licence-codes.md there")
                .hasContent(page);
    }

    private static String page(Map<ReasonCode, Reason> examples) {
        StringBuilder page = new StringBuilder(HEAD);
        int place = 1;
        for (Map.Entry<ReasonCode, Reason> example : examples.entrySet()) {
            Reason reason = example.getValue();
            page.append("| ").append(place++);
            page.append(" | `").append(example.getKey().code());
            page.append("` | ").append(reason.clause() == null ? "" : reason.clause());
            page.append(" | ").append(example.getKey().meaning());
            page.append(" | ").append(reason.message());
            page.append(" | ").append(reason.remedy()).append(" |\n");
        }
        return page.toString();
    }

    private static Map<ReasonCode, Reason> examples() {
        LicenceEngine engine = new LicenceEngine();
        LicenceVersion foreign = new LicenceVersion(
                "foreign",
                "Foreign License",
                LocalDate.of(2026, 1, 1),
                List.of(new Clause.Unknown("4", "carbon offsets")));
        LicenceEngine failing = new LicenceEngine(Licences.META, (licence, clause, request, findings) -> {
            throw new ArithmeticException();
        });
        Lineage llama = Lineage.base("llama-3.1-8b", "llama-3.1");
        Lineage vision = Lineage.of(new Model("llama-3.2-11b", "Llama 3.2", Set.of("llama-3.2"), List.of(), true));
        Lineage mix = Lineage.of(
                Model.base("llama-3-8b", "llama-3"),
                Model.base("llama-3.1-8b", "llama-3.1"),
                Model.derived("llama-3-mix", "llama-3-8b", "llama-3.1-8b"));
        Lineage lawyer = Lineage.of(Model.base("llama-3.1-8b", "llama-3.1"), Model.derived("lawyer", "llama-3.1-8b"));
        Licensee megacorp = accepted("megacorp", "llama-3.1")
                .attested(attestation("megacorp", "llama-3.1", 812_000_000))
                .build();
        List<Decision> decisions = List.of(
                decide(engine, small(), Lineage.of(Model.derived("llama-x", "llama-gone")), Use.INFER),
                decide(engine, small(), Lineage.base("own", "gpl-3.0"), Use.INFER),
                decide(new LicenceEngine(List.of(foreign)), small(), Lineage.base("own", "foreign"), Use.INFER),
                decide(failing, small(), llama, Use.INFER),
                decide(engine, small(), mix, Use.DERIVE),
                decide(
                        engine,
                        small().litigation(new Litigation("llama-3.1", LocalDate.of(2026, 2, 1), "C-123")),
                        llama,
                        Use.INFER),
                decide(
                        engine,
                        small().terminated(new Termination("llama-3.1", BEFORE, "breach of clause 1.b.iv", null)),
                        llama,
                        Use.INFER),
                decide(engine, small().domicile("DE"), vision, Use.INFER),
                engine.decide(new LicenceRequest(megacorp, llama, Use.INFER, NOW)),
                decide(engine, small(), Lineage.base("llama-3-8b", "llama-3"), Use.IMPROVE_OTHER_MODEL),
                decide(engine, accepted("acme", "llama-3.1"), llama, Use.INFER),
                decide(engine, small().domicile(null), vision, Use.INFER),
                decide(
                        engine,
                        Licensee.builder("acme").attested(attestation("acme", "llama-3.1", 1_200_000)),
                        llama,
                        Use.INFER),
                decide(engine, small(), lawyer, Use.PUBLISH));
        List<Reason> reasons = new ArrayList<>();
        decisions.forEach(d -> reasons.add(((Decision.Deny) d).first()));
        Map<ReasonCode, Reason> byCode = new EnumMap<>(ReasonCode.class);
        reasons.forEach(r -> byCode.put(r.code(), r));
        return byCode;
    }

    private static Decision decide(LicenceEngine engine, Licensee.Builder licensee, Lineage lineage, Use use) {
        return engine.decide(new LicenceRequest(licensee.build(), lineage, use, NOW));
    }
}
