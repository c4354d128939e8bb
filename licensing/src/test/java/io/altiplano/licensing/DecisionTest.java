package io.altiplano.licensing;

import static io.altiplano.licensing.Facts.BEFORE;
import static io.altiplano.licensing.Facts.NOW;
import static io.altiplano.licensing.Facts.codes;
import static io.altiplano.licensing.Facts.decide;
import static io.altiplano.licensing.Facts.small;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Failing closed, precedence, duties and how long an answer holds. */
class DecisionTest {
    private static final Lineage LLAMA_31 = Lineage.base("llama-3.1-8b", "llama-3.1");

    private static LicenceVersion with(Clause clause) {
        return new LicenceVersion("own", "Own License", LocalDate.of(2025, 1, 1), List.of(clause));
    }

    @Test
    void anUnknownLicenceDenies() {
        Decision decision = decide(small().build(), Lineage.base("m", "gpl"), Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.UNKNOWN_LICENCE);
        assertThat(((Decision.Deny) decision).first().remedy())
                .endsWith("known are llama-2, llama-3, llama-3.1, llama-3.2, llama-3.3, llama-4.");
    }

    @Test
    void anUnknownClauseDenies() {
        LicenceEngine engine = new LicenceEngine(List.of(with(new Clause.Unknown("7.b", "carbon offsets"))));

        Decision decision =
                engine.decide(new LicenceRequest(small().build(), Lineage.base("m", "own"), Use.INFER, NOW));

        assertThat(codes(decision)).containsExactly(ReasonCode.UNKNOWN_CLAUSE);
        assertThat(((Decision.Deny) decision).first().message())
                .isEqualTo("Own License, clause 7.b: the platform has no rule for this clause (carbon offsets).");
    }

    @Test
    void aFailingClauseDeniesAndTheOthersAreStillJudged() {
        ClauseRules rules = new ClauseRules();
        LicenceEngine engine = new LicenceEngine(Licences.META, (licence, clause, request, findings) -> {
            if (clause instanceof Clause.EndsByTermination) {
                throw new IllegalStateException("broken");
            }
            rules.judge(licence, clause, request, findings);
        });

        Decision decision =
                engine.decide(new LicenceRequest(Licensee.builder("acme").build(), LLAMA_31, Use.INFER, NOW));

        assertThat(codes(decision))
                .containsExactly(
                        ReasonCode.CLAUSE_FAILED, ReasonCode.ATTESTATION_REQUIRED, ReasonCode.AUP_ACCEPTANCE_REQUIRED);
        assertThat(((Decision.Deny) decision).first().message())
                .isEqualTo("Llama 3.1 Community License Agreement, clause 6: the clause could not be judged"
                        + " (IllegalStateException).");
    }

    @Test
    void allReasonsAreGivenInTheirPrecedence() {
        Licensee licensee = Licensee.builder("acme")
                .domicile("DE")
                .attested(Facts.attestation("holding", "llama-3.2", 700_000_001))
                .litigation(new Litigation("llama-3.2", LocalDate.of(2026, 1, 1), "C-1"))
                .terminated(new Termination("llama-3.2", BEFORE, "breach", null))
                .build();
        Model vision = new Model("vision", "Vision", Set.of("llama-3.2", "gpl"), List.of(), true);
        Model three = Model.base("three", "llama-3");
        Lineage lineage = Lineage.of(vision, three, Model.derived("mix", "vision", "three", "gone"));

        Decision decision = decide(licensee, lineage, Use.PUBLISH);

        assertThat(((Decision.Deny) decision).reasons())
                .extracting(r -> r.code().code() + " " + r.licence())
                .containsExactly(
                        "lineage_broken null",
                        "unknown_licence gpl",
                        "licence_contradiction llama-3",
                        "litigation_termination llama-3.2",
                        "licence_terminated llama-3.2",
                        "eu_multimodal_not_licensed llama-3.2",
                        "licence_approval_required llama-3.2",
                        "attestation_required llama-3",
                        "attestation_required llama-3.2",
                        "aup_acceptance_required llama-3",
                        "aup_acceptance_required llama-3.2",
                        "name_prefix_required llama-3",
                        "name_prefix_required llama-3.2");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            llama-2   | IMPROVE_OTHER_MODEL |
            llama-2   | INFER          | ACCEPTABLE_USE AGREEMENT_COPY NO_IMPROVING_OTHERS
            llama-2   | DERIVE         | ACCEPTABLE_USE AGREEMENT_COPY NOTICE NO_IMPROVING_OTHERS
            llama-3   | INFER          | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NO_IMPROVING_OTHERS
            llama-3   | DERIVE         | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NAME_PREFIX NOTICE NO_IMPROVING_OTHERS
            llama-3.1 | INFER          | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NAME_PREFIX
            llama-3.1 | IMPROVE_OTHER_MODEL | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NAME_PREFIX
            llama-3.1 | DERIVE         | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NAME_PREFIX NOTICE
            llama-3.1 | PUBLISH        | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NAME_PREFIX NOTICE
            llama-3.1 | EXPORT_WEIGHTS | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NAME_PREFIX NOTICE
            llama-4   | EXPORT_WEIGHTS | ACCEPTABLE_USE AGREEMENT_COPY DISPLAY NAME_PREFIX NOTICE
            """)
    void aPermitListsTheDutiesOfTheUse(String licence, Use use, @Nullable String kinds) {
        Decision decision = decide(small().build(), Lineage.base("llama", licence), use);

        if (kinds == null) {
            assertThat(decision).isInstanceOf(Decision.Deny.class);
        } else {
            assertThat(((Decision.Permit) decision).obligations())
                    .extracting(o -> o.kind().name())
                    .containsExactly(kinds.split(" "));
        }
    }

    @Test
    void dutiesSayWhatToDo() {
        Decision decision = decide(small().build(), Lineage.base("llama", "llama-3"), Use.EXPORT_WEIGHTS);

        assertThat(((Decision.Permit) decision).obligations())
                .extracting(Obligation::text)
                .containsExactly(
                        "Keep to the acceptable use policy of the Meta Llama 3 Community License Agreement, and do not allow"
                                + " others to break it.",
                        "Whoever makes the model, a derivative of it, or a product that contains it available to others gives"
                                + " them a copy of the Meta Llama 3 Community License Agreement.",
                        "Display \"Built with Meta Llama 3\" prominently on a website, user interface, blog post, about page or"
                                + " product documentation.",
                        "The name of a model made with the model and made available to others begins with \"Llama 3\".",
                        "Copies carry a text file \"Notice\" that says: Meta Llama 3 is licensed under the Meta Llama 3"
                                + " Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.",
                        "Do not use the model or its outputs to improve a large language model that does not derive from it.");
    }

    @Test
    void outputsAreNamedWhereTheyTriggerTheNamingRule() {
        Decision decision = decide(small().build(), LLAMA_31, Use.INFER);

        assertThat(((Decision.Permit) decision).obligations())
                .extracting(Obligation::text)
                .contains(
                        "The name of a model made with the model or its outputs and made available to others begins with"
                                + " \"Llama\".");
    }

    @ParameterizedTest
    @CsvSource({
        "2026-01-01T00:00:00Z, 2026-01-15T09:00:00Z",
        "2026-01-15T09:00:00Z, 2026-04-01T00:00:00Z",
        "2026-04-01T00:00:00Z, 2026-05-01T00:00:00Z",
        "2026-05-01T00:00:00Z, 2026-06-01T00:00:00Z",
        "2026-06-01T00:00:00Z, 2026-07-01T00:00:00Z",
        "2026-07-01T00:00:00Z, 2026-08-01T00:00:00Z",
        "2026-08-01T00:00:00Z, +1000000000-12-31T23:59:59.999999999Z"
    })
    void anAnswerHoldsUntilTheNextFactBeginsOrEnds(Instant at, Instant until) {
        Licensee licensee = small().litigation(new Litigation("llama-3.1", LocalDate.of(2026, 4, 1), "C-1"))
                .terminated(new Termination(
                        "llama-3.1",
                        Instant.parse("2026-05-01T00:00:00Z"),
                        "breach",
                        Instant.parse("2026-06-01T00:00:00Z")))
                .granted(new LicenceGrant(
                        "g-1",
                        "acme",
                        "a".repeat(64),
                        LocalDate.of(2026, 7, 1),
                        LocalDate.of(2026, 7, 31),
                        null,
                        Set.of("llama-3.1"),
                        Set.of(Use.INFER),
                        Territory.everywhere()))
                .build();

        Decision decision = new LicenceEngine().decide(new LicenceRequest(licensee, LLAMA_31, Use.INFER, at));

        assertThat(decision.holdsUntil()).isEqualTo(until);
    }

    @Test
    void aDenialNamesTheLicencesItJudgedAndHasAReason() {
        Decision decision = decide(Licensee.builder("acme").build(), LLAMA_31, Use.INFER);

        assertThat(decision.licences()).containsExactly("llama-3.1");
        assertThatThrownBy(() -> new Decision.Deny(List.of(), List.of(), Instant.MAX))
                .hasMessage("a denial needs a reason");
    }
}
