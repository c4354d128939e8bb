package io.altiplano.licensing;

import static io.altiplano.licensing.Facts.codes;
import static io.altiplano.licensing.Facts.decide;
import static io.altiplano.licensing.Facts.small;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a model inherits, and where its parents cannot be reconciled. */
class LineageTest {
    private static final Model LLAMA_3 = Model.base("l3", "llama-3");
    private static final Model LLAMA_31 = Model.base("l31", "llama-3.1");
    private static final Model LLAMA_32 = Model.base("l32", "llama-3.2");

    private static Model made(String id, Model.Parent... parents) {
        return new Model(id, id, Set.of(), List.of(parents), false);
    }

    private static Model.Parent weights(String id) {
        return new Model.Parent(id, Model.Relation.WEIGHTS);
    }

    private static Model.Parent outputs(String id) {
        return new Model.Parent(id, Model.Relation.OUTPUTS);
    }

    @Test
    void licencesComeRootsFirst() {
        Model merged =
                new Model("a-merged", "merged", Set.of("llama-2"), List.of(weights("l32"), weights("l31")), false);
        Model child = Model.derived("0-child", "a-merged");

        Lineage lineage = new Lineage("0-child", List.of(child, LLAMA_32, merged, LLAMA_31));

        assertThat(lineage.licences()).containsExactly("llama-3.1", "llama-3.2", "llama-2");
    }

    @Test
    void dutiesOfAllParentsAreInherited() {
        Licensee licensee = small().build();
        Lineage lineage = Lineage.of(LLAMA_31, LLAMA_32, made("llama-x", weights("l31"), outputs("l32")));

        Decision decision = decide(licensee, lineage, Use.PUBLISH);

        assertThat(decision).isInstanceOf(Decision.Permit.class);
        Decision.Permit permit = (Decision.Permit) decision;
        assertThat(permit.licences()).containsExactly("llama-3.1", "llama-3.2");
        assertThat(permit.obligations())
                .extracting(o -> o.licence() + " " + o.clause() + " " + o.kind())
                .containsExactly(
                        "llama-3.1 1.b.iv ACCEPTABLE_USE",
                        "llama-3.1 1.b.i AGREEMENT_COPY",
                        "llama-3.1 1.b.i DISPLAY",
                        "llama-3.1 1.b.i NAME_PREFIX",
                        "llama-3.1 1.b.iii NOTICE",
                        "llama-3.2 1.b.iv ACCEPTABLE_USE",
                        "llama-3.2 1.b.i AGREEMENT_COPY",
                        "llama-3.2 1.b.i DISPLAY",
                        "llama-3.2 1.b.i NAME_PREFIX",
                        "llama-3.2 1.b.iii NOTICE");
    }

    @Test
    void attestationAndAcceptanceAreAskedForEachLicenceOfTheLineage() {
        Licensee licensee = Facts.tenant("llama-3.1", 5);
        Lineage lineage = Lineage.of(LLAMA_31, LLAMA_32, Model.derived("llama-x", "l31", "l32"));

        Decision decision = decide(licensee, lineage, Use.INFER);

        assertThat(((Decision.Deny) decision).reasons())
                .extracting(r -> r.licence() + " " + r.code().code())
                .containsExactly("llama-3.2 attestation_required", "llama-3.2 aup_acceptance_required");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "3.1 tuned on outputs of 3, l31, WEIGHTS, l3, OUTPUTS, true",
        "3 tuned on outputs of 3.1, l3, WEIGHTS, l31, OUTPUTS, false",
        "3 and 3.1 merged, l3, WEIGHTS, l31, WEIGHTS, true",
        "trained from nothing on outputs of 3, l3, OUTPUTS, l3, OUTPUTS, true",
        "3 tuned on outputs of 3, l3, WEIGHTS, l3, OUTPUTS, false",
        "3.1 tuned on outputs of 3.2, l31, WEIGHTS, l32, OUTPUTS, false",
        "3.1 and 3.2 merged, l31, WEIGHTS, l32, WEIGHTS, false"
    })
    void llama3ImprovesItsOwnDerivativesAlone(
            String what, String one, Model.Relation how, String other, Model.Relation otherHow, boolean contradiction) {
        Licensee licensee = small().build();
        Model made = made("llama-3-x", new Model.Parent(one, how), new Model.Parent(other, otherHow));
        Model child = Model.derived("llama-3-y", "llama-3-x");
        Lineage lineage = Lineage.of(LLAMA_3, LLAMA_31, LLAMA_32, made, child);

        Decision decision = decide(licensee, lineage, Use.DERIVE);

        assertThat(codes(decision))
                .as(what)
                .isEqualTo(contradiction ? List.of(ReasonCode.LICENCE_CONTRADICTION) : List.of());
        if (decision instanceof Decision.Deny deny) {
            assertThat(deny.first().message()).contains("model llama-3-x was made");
        }
    }

    @Test
    void aModelTrainedFromNothingOnOutputsIsNotItsSourcesDerivativeThoughItStandsUnderTheLicence() {
        Licensee licensee = small().build();
        Model fromOutputs = new Model("llama-3-x", "llama-3-x", Set.of("llama-3"), List.of(outputs("l3")), false);

        Decision decision = decide(licensee, Lineage.of(LLAMA_3, fromOutputs), Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_CONTRADICTION);
    }

    @Test
    void twoPrefixesThatNoNameCanHaveContradict() {
        Clause llama = new Clause.NamePrefix("1", "Llama", Clause.Trigger.MATERIALS_OR_OUTPUTS);
        Clause alpaca = new Clause.NamePrefix("1", "Alpaca", Clause.Trigger.MATERIALS_OR_OUTPUTS);
        LicenceEngine engine = new LicenceEngine(List.of(
                new LicenceVersion("a", "A", LocalDate.of(2025, 1, 1), List.of(llama)),
                new LicenceVersion("b", "B", LocalDate.of(2025, 1, 1), List.of(alpaca))));
        Lineage lineage = Lineage.of(Model.base("ma", "a"), Model.base("mb", "b"), Model.derived("m", "ma", "mb"));

        Decision decision = engine.decide(new LicenceRequest(small().build(), lineage, Use.INFER, Facts.NOW));

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_CONTRADICTION);
        assertThat(((Decision.Deny) decision).first().message()).contains("begin with \"Alpaca\" and \"Llama\"");
    }

    @Test
    void aMissingParentACircleAndAnUnlicensedBaseAreDenied() {
        Licensee licensee = small().build();
        Model circular = Model.derived("a", "b");
        Model back = Model.derived("b", "a");
        Model free = new Model("free", "free", Set.of(), List.of(), false);

        Decision missing = decide(licensee, Lineage.of(Model.derived("llama-x", "gone")), Use.INFER);
        Decision circle = decide(licensee, Lineage.of(back, circular), Use.INFER);
        Decision unlicensed = decide(licensee, Lineage.of(free), Use.INFER);
        Decision absent = decide(licensee, new Lineage("nobody", List.of(LLAMA_31)), Use.INFER);

        assertThat(List.of(missing, circle, unlicensed, absent))
                .allSatisfy(d -> assertThat(codes(d)).containsExactly(ReasonCode.LINEAGE_BROKEN));
        assertThat(message(missing)).isEqualTo("Lineage of llama-x: model gone is not known.");
        assertThat(message(circle)).isEqualTo("Lineage of a: the lineage runs in a circle through a, b.");
        assertThat(message(unlicensed)).isEqualTo("Lineage of free: base model free stands under no licence.");
        assertThat(message(absent)).isEqualTo("Lineage of nobody: model nobody is not known.");
    }

    @Test
    void aLineageWithManyPathsToOneAncestorIsWalkedOnce() {
        List<Model> models = new ArrayList<>(List.of(LLAMA_31));
        String left = "l31";
        String right = "l31";
        for (int i = 0; i < 200; i++) {
            models.add(Model.derived("llama-a" + i, left, right));
            models.add(Model.derived("llama-b" + i, left, right));
            left = "llama-a" + i;
            right = "llama-b" + i;
        }

        Decision decision = decide(small().build(), new Lineage(left, models), Use.INFER);

        assertThat(codes(decision)).isEmpty();
    }

    @Test
    void strangersInTheListTakeNoPart() {
        Model stranger = new Model("stranger", "stranger", Set.of("gpl"), List.of(), true);

        Decision decision = decide(small().build(), new Lineage("l31", List.of(stranger, LLAMA_31)), Use.INFER);

        assertThat(codes(decision)).isEmpty();
        assertThat(decision.licences()).containsExactly("llama-3.1");
    }

    @Test
    void twoModelsOfOneIdAreRefused() {
        assertThatThrownBy(() -> Lineage.of(Model.base("a", "llama-3"), Model.base("a", "llama-4")))
                .hasMessage("lineage of a has two models a");
    }

    @Test
    void equalIfSubjectAndModelsAre() {
        Lineage one = new Lineage("l31", List.of(LLAMA_31, LLAMA_32));
        Lineage same = new Lineage("l31", List.of(LLAMA_32, LLAMA_31));

        assertThat(one).isEqualTo(same).hasSameHashCodeAs(same);
        assertThat(one).isNotEqualTo(new Lineage("l32", List.of(LLAMA_31, LLAMA_32)));
        assertThat(one).isNotEqualTo(Lineage.of(LLAMA_31)).isNotEqualTo("l31");
        assertThat(one.hashCode()).isNotEqualTo(Lineage.of(LLAMA_31).hashCode());
        assertThat(one.subject()).isEqualTo("l31");
        assertThat(one.models()).containsExactlyInAnyOrder(LLAMA_31, LLAMA_32);
        assertThat(one.toString()).startsWith("Lineage[l31 of ");
    }

    private static String message(Decision decision) {
        return ((Decision.Deny) decision).first().message();
    }
}
