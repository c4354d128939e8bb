package io.altiplano.licensing;

import static io.altiplano.licensing.Facts.BEFORE;
import static io.altiplano.licensing.Facts.NOW;
import static io.altiplano.licensing.Facts.accepted;
import static io.altiplano.licensing.Facts.attestation;
import static io.altiplano.licensing.Facts.codes;
import static io.altiplano.licensing.Facts.decide;
import static io.altiplano.licensing.Facts.grant;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who may do what above the threshold, by the licensor's express grant; and figures of a group. */
class GrantTest {
    private static final Lineage MODEL = Lineage.base("llama-3.1-8b", "llama-3.1");

    private static Licensee.Builder megacorp() {
        return accepted("megacorp", "llama-3.1").attested(attestation("megacorp", "llama-3.1", 812_000_000));
    }

    private static LicenceGrant scoped(
            LocalDate date, @Nullable LocalDate lastDay, @Nullable Instant revoked, Use use, Territory territory) {
        return new LicenceGrant(
                "g-1", "megacorp", "a".repeat(64), date, lastDay, revoked, Set.of("llama-3.1"), Set.of(use), territory);
    }

    @Test
    void aGrantLiftsTheThresholdAndIsNamedInThePermit() {
        Licensee licensee = megacorp()
                .granted(grant("g-2", "megacorp", "llama-3.1"))
                .granted(grant("g-1", "megacorp", "llama-3.1"))
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).isEmpty();
        assertThat(((Decision.Permit) decision).grants()).containsExactly("g-1");
    }

    @Test
    void aPermitBelowTheThresholdReliesOnNoGrant() {
        Licensee licensee = accepted("acme", "llama-3.1")
                .attested(attestation("acme", "llama-3.1", 5))
                .granted(grant("g-1", "acme", "llama-3.1"))
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(((Decision.Permit) decision).grants()).isEmpty();
    }

    @Test
    void aGrantStandsInForAnAttestation() {
        Licensee licensee = accepted("megacorp", "llama-3.1")
                .granted(grant("g-1", "megacorp", "llama-3.1"))
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            2026-03-01 |            |                      | INFER  |    |
            2026-03-02 |            |                      | INFER  |    | g-1 begins on 2026-03-02
            2026-01-01 | 2026-03-01 |                      | INFER  |    |
            2026-01-01 | 2026-02-28 |                      | INFER  |    | g-1 ended at 2026-03-01T00:00:00Z
            2026-01-01 |            | 2026-03-01T12:00:01Z | INFER  |    |
            2026-01-01 |            | 2026-03-01T12:00:00Z | INFER  |    | g-1 ended at 2026-03-01T12:00:00Z
            2026-01-01 | 2026-02-28 | 2026-03-01T12:00:00Z | INFER  |    | g-1 ended at 2026-03-01T00:00:00Z
            2026-01-01 |            |                      | DERIVE |    | g-1 does not name the use INFER
            2026-01-01 |            |                      | INFER  | CL |
            2026-01-01 |            |                      | INFER  | US | g-1 does not hold in the country of domicile and of the principal place of business
            """)
    void holdsWithinItsDatesUsesAndTerritory(
            LocalDate date,
            @Nullable LocalDate lastDay,
            @Nullable Instant revoked,
            Use use,
            @Nullable String country,
            @Nullable String gap) {
        Territory territory = country == null ? Territory.everywhere() : Territory.of(country);
        Licensee licensee = megacorp()
                .granted(scoped(date, lastDay, revoked, use, territory))
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        if (gap == null) {
            assertThat(decision).isInstanceOf(Decision.Permit.class);
        } else {
            assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED);
            assertThat(((Decision.Deny) decision).first().message()).endsWith("covers this use (" + gap + ").");
        }
    }

    @ParameterizedTest
    @CsvSource({"US, CL", "CL, US", ", CL", "CL, "})
    void bothDomicileAndPlaceMustLieInTheTerritory(@Nullable String domicile, @Nullable String place) {
        LicenceGrant grant = scoped(LocalDate.of(2026, 1, 1), null, null, Use.INFER, Territory.of("CL"));
        Licensee licensee = megacorp()
                .domicile(domicile)
                .principalPlace(place)
                .granted(grant)
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED);
    }

    @Test
    void aGrantOfAnotherVersionOrToAnotherIsNone() {
        Licensee licensee = megacorp()
                .granted(grant("g-2", "sister", "llama-3.1"))
                .granted(grant("g-1", "megacorp", "llama-3.2"))
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED);
        assertThat(((Decision.Deny) decision).first().message())
                .endsWith("(g-1 does not name llama-3.1; g-2 is granted to sister and cannot be transferred).");
    }

    @Test
    void anIntegratedProductNeedsNeitherGrantNorAttestation() {
        Licensee licensee = accepted("megacorp", "llama-3.1")
                .attested(attestation("megacorp", "llama-3.1", 812_000_000))
                .integratedProduct("llama-3.1")
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).isEmpty();
    }

    @Test
    void anIntegratedProductOfAnotherLicenceExemptsFromNothing() {
        Licensee licensee = megacorp().integratedProduct("llama-3.2").build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED);
    }

    @Test
    void aLicenceWithoutTheExemptionGivesNone() {
        LicenceVersion strict = new LicenceVersion(
                "strict",
                "Strict",
                LocalDate.of(2025, 1, 1),
                List.of(new Clause.MonthlyActiveUsers("2", YearMonth.of(2024, 12), 10)));
        Licensee licensee = Licensee.builder("acme").integratedProduct("strict").build();

        Decision decision = new LicenceEngine(List.of(strict))
                .decide(new LicenceRequest(licensee, Lineage.base("m", "strict"), Use.INFER, NOW));

        assertThat(codes(decision)).containsExactly(ReasonCode.ATTESTATION_REQUIRED);
    }

    @Test
    void theGroupsLargestFigureCountsForEachOfItsTenants() {
        Licensee licensee = accepted("acme", "llama-3.1")
                .attested(attestation("acme", "llama-3.1", 5))
                .attested(attestation("acme-holding", "llama-3.1", 700_000_001))
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED);
    }

    @Test
    void theGroupsAttestationIsNotItsMembersOwn() {
        Licensee licensee = accepted("acme", "llama-3.1")
                .attested(attestation("acme-holding", "llama-3.1", 700_000_001))
                .build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision))
                .containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED, ReasonCode.ATTESTATION_REQUIRED);
    }

    @ParameterizedTest
    @CsvSource({"-1, ", "0, LICENCE_APPROVAL_REQUIRED", "1, LICENCE_APPROVAL_REQUIRED"})
    void theLatestAttestationCountsAndTheLargerOfTwoAtOnce(int secondsLater, @Nullable ReasonCode code) {
        Attestation low = attestation("acme", "llama-3.1", 5);
        Attestation high = new Attestation(
                "acme",
                "llama-3.1",
                low.month(),
                List.of(Figure.product("app", 700_000_001)),
                "Ana Rojas",
                BEFORE.plusSeconds(secondsLater));
        Licensee one =
                accepted("acme", "llama-3.1").attested(low).attested(high).build();
        Licensee other =
                accepted("acme", "llama-3.1").attested(high).attested(low).build();

        List<ReasonCode> expected = code == null ? List.of() : List.of(code);
        assertThat(codes(decide(one, MODEL, Use.INFER))).isEqualTo(expected);
        assertThat(codes(decide(other, MODEL, Use.INFER))).isEqualTo(expected);
    }

    @Test
    void anAttestationOfTheFutureDoesNotExistYet() {
        Attestation later = new Attestation(
                "acme",
                "llama-3.1",
                YearMonth.of(2024, 6),
                List.of(Figure.product("app", 5)),
                "Ana Rojas",
                NOW.plusNanos(1));
        Licensee licensee = accepted("acme", "llama-3.1").attested(later).build();

        Decision decision = decide(licensee, MODEL, Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.ATTESTATION_REQUIRED);
        assertThat(decision.holdsUntil()).isEqualTo(NOW.plusNanos(1));
    }
}
