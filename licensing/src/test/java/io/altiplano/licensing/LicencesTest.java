package io.altiplano.licensing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDate;
import java.time.YearMonth;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The licences' data against a table written down apart from it, from the licence texts. */
class LicencesTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            llama-2   | 2023-07-18 | 2023-06 |                         |         |                      | false | false
            llama-3   | 2024-04-18 | 2024-03 | Built with Meta Llama 3 | Llama 3 | MATERIALS            | false | false
            llama-3.1 | 2024-07-23 | 2024-06 | Built with Llama        | Llama   | MATERIALS_OR_OUTPUTS | true  | false
            llama-3.2 | 2024-09-25 | 2024-08 | Built with Llama        | Llama   | MATERIALS_OR_OUTPUTS | true  | true
            llama-3.3 | 2024-12-06 | 2024-11 | Built with Llama        | Llama   | MATERIALS_OR_OUTPUTS | true  | true
            llama-4   | 2025-04-05 | 2025-03 | Built with Llama        | Llama   | MATERIALS_OR_OUTPUTS | true  | true
            """)
    void saysWhatTheTextSays(
            String id,
            LocalDate released,
            String measured,
            @Nullable String display,
            @Nullable String prefix,
            Clause.@Nullable Trigger trigger,
            boolean mayImproveOthers,
            boolean euCarveOut) {
        LicenceVersion licence = Facts.licence(id);

        assertThat(licence.releaseDate()).isEqualTo(released);
        assertThat(licence.measuredMonth()).contains(YearMonth.parse(measured));
        assertThat(licence.threshold()).hasValue(700_000_000L);
        assertThat(licence.displayText().orElse(null)).isEqualTo(display);
        assertThat(licence.namePrefix().orElse(null)).isEqualTo(prefix);
        assertThat(licence.prefixTrigger().orElse(null)).isEqualTo(trigger);
        assertThat(licence.improvingOthersAllowed()).isEqualTo(mayImproveOthers);
        assertThat(licence.euMultimodalCarveOut()).isEqualTo(euCarveOut);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            llama-2   | Llama 2 Community License Agreement      | Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms, Inc. All Rights Reserved.
            llama-3   | Meta Llama 3 Community License Agreement | Meta Llama 3 is licensed under the Meta Llama 3 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.
            llama-3.1 | Llama 3.1 Community License Agreement    | Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.
            llama-3.2 | Llama 3.2 Community License Agreement    | Llama 3.2 is licensed under the Llama 3.2 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.
            llama-3.3 | Llama 3.3 Community License Agreement    | Llama 3.3 is licensed under the Llama 3.3 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.
            llama-4   | Llama 4 Community License Agreement      | Llama 4 is licensed under the Llama 4 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.
            """)
    void isNamedAndNoticedAsTheTextHasIt(String id, String name, String notice) {
        LicenceVersion licence = Facts.licence(id);

        assertThat(licence.name()).isEqualTo(name);
        assertThat(licence.noticeText()).contains(notice);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-2", "llama-3", "llama-3.1", "llama-3.2", "llama-3.3", "llama-4"})
    void citesTheClauseNumbersOfTheText(String id) {
        LicenceVersion licence = Facts.licence(id);

        assertThat(number(licence, Clause.AgreementCopy.class)).isEqualTo("1.b.i");
        assertThat(number(licence, Clause.IntegratedProduct.class)).isEqualTo("1.b.ii");
        assertThat(number(licence, Clause.Notice.class)).isEqualTo("1.b.iii");
        assertThat(number(licence, Clause.AcceptableUse.class)).isEqualTo("1.b.iv");
        assertThat(number(licence, Clause.MonthlyActiveUsers.class)).isEqualTo("2");
        assertThat(number(licence, Clause.EndsByLitigation.class)).isEqualTo("5.c");
        assertThat(number(licence, Clause.EndsByTermination.class)).isEqualTo("6");
    }

    @Test
    void aLicenceWithoutAClauseSaysSo() {
        LicenceVersion bare = new LicenceVersion("bare", "Bare", LocalDate.of(2025, 1, 1), List.of());

        assertThat(bare.measuredMonth()).isEmpty();
        assertThat(bare.threshold()).isEmpty();
        assertThat(bare.displayText()).isEmpty();
        assertThat(bare.namePrefix()).isEmpty();
        assertThat(bare.prefixTrigger()).isEmpty();
        assertThat(bare.noticeText()).isEmpty();
        assertThat(bare.improvingOthersAllowed()).isTrue();
        assertThat(bare.euMultimodalCarveOut()).isFalse();
    }

    @Test
    void anEngineKnowsItsLicencesByIdAndRefusesTwoOfOneId() {
        LicenceVersion licence = Facts.licence("llama-3.1");

        assertThat(new LicenceEngine().licence("llama-3.1")).contains(licence);
        assertThat(new LicenceEngine().licence("gpl")).isEmpty();
        assertThatThrownBy(() -> new LicenceEngine(List.of(licence, licence)))
                .hasMessage("two licences have the id llama-3.1");
    }

    private static String number(LicenceVersion licence, Class<? extends Clause> kind) {
        return licence.clause(kind).orElseThrow().number();
    }
}
