package io.altiplano.licensing;

import static io.altiplano.licensing.Facts.BEFORE;
import static io.altiplano.licensing.Facts.NOW;
import static io.altiplano.licensing.Facts.attestation;
import static io.altiplano.licensing.Facts.codes;
import static io.altiplano.licensing.Facts.decide;
import static io.altiplano.licensing.Facts.small;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The clauses beside the one about users. */
class ClausesTest {
    private static final Lineage LLAMA_31 = Lineage.base("llama-3.1-8b", "llama-3.1");

    @ParameterizedTest
    @EnumSource(Use.class)
    void everyUseNeedsTheAgreementAccepted(Use use) {
        Licensee licensee = Licensee.builder("acme")
                .attested(attestation("acme", "llama-3.1", 1))
                .accepted(new Acceptance("llama-3.2", "Ana Rojas", BEFORE))
                .accepted(new Acceptance("llama-3.1", "Ana Rojas", NOW.plusNanos(1)))
                .build();

        Decision decision = decide(licensee, LLAMA_31, use);

        assertThat(codes(decision)).containsExactly(ReasonCode.AUP_ACCEPTANCE_REQUIRED);
    }

    @Test
    void anAcceptanceCountsFromItsInstant() {
        Licensee licensee = Licensee.builder("acme")
                .attested(attestation("acme", "llama-3.1", 1))
                .accepted(new Acceptance("llama-3.1", "Ana Rojas", NOW))
                .build();

        Decision decision = decide(licensee, LLAMA_31, Use.INFER);

        assertThat(codes(decision)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "llama-3.1, 2026-02-28, LITIGATION_TERMINATION",
        "llama-3.1, 2026-03-01, LITIGATION_TERMINATION",
        "llama-3.1, 2026-03-02, ",
        "llama-3.2, 2026-02-28, "
    })
    void aClaimEndsItsLicenceOnTheFilingDate(String licence, LocalDate filed, @Nullable ReasonCode code) {
        Licensee licensee =
                small().litigation(new Litigation(licence, filed, "C-123")).build();

        Decision decision = decide(licensee, LLAMA_31, Use.INFER);

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @Test
    void ofSeveralClaimsTheFirstFiledIsNamed() {
        Licensee licensee = small().litigation(new Litigation("llama-3.1", LocalDate.of(2026, 2, 2), "C-2"))
                .litigation(new Litigation("llama-3.1", LocalDate.of(2026, 2, 1), "C-9"))
                .build();

        Decision decision = decide(licensee, LLAMA_31, Use.INFER);

        assertThat(((Decision.Deny) decision).reasons()).hasSize(1);
        assertThat(((Decision.Deny) decision).first().message()).contains("filed on 2026-02-01 (C-9)");
    }

    @ParameterizedTest
    @CsvSource({
        "llama-3.1, 2026-03-01T12:00:00Z, , LICENCE_TERMINATED",
        "llama-3.1, 2026-03-01T12:00:01Z, , ",
        "llama-3.1, 2026-02-01T00:00:00Z, 2026-03-01T12:00:01Z, LICENCE_TERMINATED",
        "llama-3.1, 2026-02-01T00:00:00Z, 2026-03-01T12:00:00Z, ",
        "llama-4, 2026-02-01T00:00:00Z, , "
    })
    void aTerminationHoldsUntilReinstatement(
            String licence, Instant at, @Nullable Instant reinstated, @Nullable ReasonCode code) {
        Licensee licensee = small().terminated(
                        new Termination(licence, at, "breach of the acceptable use policy", reinstated))
                .build();

        Decision decision = decide(licensee, LLAMA_31, Use.INFER);

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @ParameterizedTest
    @CsvSource({
        "llama-3.2, CL, CL, ",
        "llama-3.2, DE, CL, EU_MULTIMODAL_NOT_LICENSED",
        "llama-3.2, CL, FR, EU_MULTIMODAL_NOT_LICENSED",
        "llama-3.2, RE, , EU_MULTIMODAL_NOT_LICENSED",
        "llama-3.2, , CL, DOMICILE_REQUIRED",
        "llama-3.2, CL, , DOMICILE_REQUIRED",
        "llama-3.2, GB, CH, ",
        "llama-3.3, IE, IE, EU_MULTIMODAL_NOT_LICENSED",
        "llama-4, IE, IE, EU_MULTIMODAL_NOT_LICENSED",
        "llama-3.1, IE, IE, "
    })
    void multimodalModelsAreWithheldFromTheUnion(
            String licence, @Nullable String domicile, @Nullable String place, @Nullable ReasonCode code) {
        Licensee licensee = small().domicile(domicile).principalPlace(place).build();
        Lineage vision = Lineage.of(new Model("llama-vision", "Llama Vision", Set.of(licence), List.of(), true));

        Decision decision = decide(licensee, vision, Use.INFER);

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @Test
    void textModelsOfTheSameLicenceAreNotWithheld() {
        Licensee licensee = small().domicile("DE").principalPlace("DE").build();

        Decision decision = decide(licensee, Lineage.base("llama-3.2-1b", "llama-3.2"), Use.INFER);

        assertThat(codes(decision)).isEmpty();
    }

    @Test
    void aTextModelMadeFromAMultimodalOneIsWithheldLikeIt() {
        Licensee licensee = small().domicile("DE").principalPlace("DE").build();
        Model vision = new Model("vision", "Llama Vision", Set.of("llama-3.2"), List.of(), true);

        Decision decision = decide(licensee, Lineage.of(vision, Model.derived("llama-text", "vision")), Use.DERIVE);

        assertThat(codes(decision)).containsExactly(ReasonCode.EU_MULTIMODAL_NOT_LICENSED);
    }

    @ParameterizedTest
    @CsvSource({"INFER, ", "DERIVE, EU_MULTIMODAL_NOT_LICENSED"})
    void endUsersOfAnIntegratedProductMayInfer(Use use, @Nullable ReasonCode code) {
        Licensee licensee = small().domicile("DE")
                .principalPlace("DE")
                .integratedProduct("llama-4")
                .build();
        Lineage scout = Lineage.of(new Model("llama-4-scout", "Llama 4 Scout", Set.of("llama-4"), List.of(), true));

        Decision decision = decide(licensee, scout, use);

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @ParameterizedTest
    @CsvSource({
        "llama-2, IMPROVING_OTHER_MODELS_FORBIDDEN",
        "llama-3, IMPROVING_OTHER_MODELS_FORBIDDEN",
        "llama-3.1, ",
        "llama-3.2, ",
        "llama-3.3, ",
        "llama-4, "
    })
    void onlyLaterLicencesLetOthersBeImproved(String licence, @Nullable ReasonCode code) {
        Licensee licensee = small().build();

        Decision decision = decide(licensee, Lineage.base("llama", licence), Use.IMPROVE_OTHER_MODEL);

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @ParameterizedTest
    @CsvSource({"llama-3, ", "llama-3.1, IMPROVING_OTHER_MODELS_FORBIDDEN"})
    void itsOwnDerivativesMayAlwaysBeImproved(String improvedLicence, @Nullable ReasonCode code) {
        Licensee licensee = small().build();
        Lineage source = Lineage.base("llama-3-70b", "llama-3");
        Lineage improved = Lineage.of(Model.base("base", improvedLicence), Model.derived("tuned", "base"));

        Decision decision = new LicenceEngine()
                .decide(new LicenceRequest(licensee, source, Use.IMPROVE_OTHER_MODEL, NOW, improved));

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            llama-3   | Llama 3 Lawyer | WEIGHTS | PUBLISH |
            llama-3   | llama-3-lawyer | WEIGHTS | PUBLISH |
            llama-3   | LLAMA_3_lawyer | WEIGHTS | PUBLISH |
            llama-3   | llama-lawyer   | WEIGHTS | PUBLISH | NAME_PREFIX_REQUIRED
            llama-3   | lawyer         | WEIGHTS | EXPORT_WEIGHTS |
            llama-3   | lawyer         | WEIGHTS | DERIVE |
            llama-3.1 | llama-lawyer   | WEIGHTS | PUBLISH |
            llama-3.1 | lawyer-llama   | WEIGHTS | PUBLISH | NAME_PREFIX_REQUIRED
            llama-3.1 | lawyer         | OUTPUTS | PUBLISH | NAME_PREFIX_REQUIRED
            llama-2   | lawyer         | WEIGHTS | PUBLISH |
            """)
    void aPublishedDerivativeIsNamedAsTheLicenceAsks(
            String licence, String name, Model.Relation relation, Use use, @Nullable ReasonCode code) {
        Licensee licensee = small().build();
        Model derived = new Model("derived", name, Set.of(), List.of(new Model.Parent("base", relation)), false);

        Decision decision = decide(licensee, Lineage.of(Model.base("base", licence), derived), use);

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @Test
    void theNamingRuleOfMaterialsAloneDoesNotReachThroughOutputs() {
        Licensee licensee = small().build();
        Model derived = new Model(
                "derived", "lawyer", Set.of(), List.of(new Model.Parent("base", Model.Relation.OUTPUTS)), false);

        Decision decision = decide(licensee, Lineage.of(Model.base("base", "llama-3"), derived), Use.PUBLISH);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_CONTRADICTION);
    }

    @Test
    void aBaseModelKeepsTheNameItCameWith() {
        Licensee licensee = small().build();

        Decision decision = decide(licensee, Lineage.base("starter", "llama-3.1"), Use.PUBLISH);

        assertThat(codes(decision)).isEmpty();
    }
}
