package io.altiplano.licensing;

import static io.altiplano.licensing.Facts.NOW;
import static io.altiplano.licensing.Facts.accepted;
import static io.altiplano.licensing.Facts.attestation;
import static io.altiplano.licensing.Facts.codes;
import static io.altiplano.licensing.Facts.decide;
import static io.altiplano.licensing.Facts.tenant;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.YearMonth;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clause 2: who is above the threshold, by what figures, of which month. */
class MonthlyActiveUsersTest {
    @ParameterizedTest
    @CsvSource({
        "llama-2, 0, ",
        "llama-2, 699999999, ",
        "llama-2, 700000000, ",
        "llama-2, 700000001, LICENCE_APPROVAL_REQUIRED",
        "llama-3, 699999999, ",
        "llama-3, 700000000, ",
        "llama-3, 700000001, LICENCE_APPROVAL_REQUIRED",
        "llama-3.1, 1200000, ",
        "llama-3.1, 699999999, ",
        "llama-3.1, 700000000, ",
        "llama-3.1, 700000001, LICENCE_APPROVAL_REQUIRED",
        "llama-3.1, 812000000, LICENCE_APPROVAL_REQUIRED",
        "llama-3.2, 700000000, ",
        "llama-3.2, 700000001, LICENCE_APPROVAL_REQUIRED",
        "llama-3.3, 700000000, ",
        "llama-3.3, 700000001, LICENCE_APPROVAL_REQUIRED",
        "llama-4, 700000000, ",
        "llama-4, 700000001, LICENCE_APPROVAL_REQUIRED",
        "llama-4, 9223372036854775807, LICENCE_APPROVAL_REQUIRED"
    })
    void passesUpToTheThresholdAndNotOneUserMore(String licence, long users, @Nullable ReasonCode code) {
        Licensee licensee = tenant(licence, users);

        Decision decision = decide(licensee, Lineage.base("llama", licence), Use.INFER);

        assertThat(codes(decision)).isEqualTo(code == null ? List.of() : List.of(code));
    }

    @Test
    void refusalNamesClauseFiguresAndTheNextStep() {
        Licensee licensee = accepted("megacorp", "llama-3.1")
                .attested(attestation("megacorp", "llama-3.1", 812_000_000))
                .build();

        Decision decision = decide(licensee, Lineage.base("llama-3.1-starter", "llama-3.1"), Use.INFER);

        assertThat(decision).isInstanceOf(Decision.Deny.class);
        Reason reason = ((Decision.Deny) decision).first();
        assertThat(reason.code().code()).isEqualTo("licence_approval_required");
        assertThat(reason.licence()).isEqualTo("llama-3.1");
        assertThat(reason.clause()).isEqualTo("2");
        assertThat(reason.message())
                .isEqualTo(
                        "Llama 3.1 Community License Agreement, clause 2: the products and services of megacorp and its"
                                + " affiliates had 812,000,000 monthly active users in 2024-06, more than 700,000,000, and no licence"
                                + " granted by Meta covers this use.");
        assertThat(reason.remedy())
                .isEqualTo(
                        "Request a licence from Meta. Once Meta has expressly granted it, send the grant to the platform's"
                                + " licence officers, who record it.");
    }

    @Test
    void sumsProductsAndAffiliatesTogether() {
        Licensee licensee = accepted("acme", "llama-3.1")
                .attested(attestation(
                        "acme",
                        "llama-3.1",
                        Figure.product("app", 400_000_000),
                        Figure.product("web", 200_000_000),
                        Figure.affiliate("sister", 100_000_001)))
                .build();

        Decision decision = decide(licensee, Lineage.base("llama", "llama-3.1"), Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED);
    }

    @Test
    void aSumBeyondLongNeverPasses() {
        Licensee licensee = accepted("acme", "llama-3.1")
                .attested(attestation(
                        "acme", "llama-3.1", Figure.product("app", Long.MAX_VALUE), Figure.affiliate("sister", 2)))
                .build();

        Decision decision = decide(licensee, Lineage.base("llama", "llama-3.1"), Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.LICENCE_APPROVAL_REQUIRED);
    }

    @Test
    void anotherMonthIsNoAttestation() {
        Licensee licensee = accepted("acme", "llama-3.1")
                .attested(new Attestation(
                        "acme", "llama-3.1", YearMonth.of(2024, 7), List.of(), "Ana Rojas", NOW.minusSeconds(1)))
                .build();

        Decision decision = decide(licensee, Lineage.base("llama", "llama-3.1"), Use.INFER);

        assertThat(codes(decision)).containsExactly(ReasonCode.ATTESTATION_REQUIRED);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 7, 99, 999, 1000, 12_345, 700_000_001, Long.MAX_VALUE, -1, -999, -1000, Long.MIN_VALUE})
    void aFigureIsWrittenAsTheStandardFormatterWritesIt(long figure) {
        assertThat(MonthlyActiveUsersRule.grouped(figure)).isEqualTo(String.format(Locale.ROOT, "%,d", figure));
    }
}
