package io.altiplano.licensing;

import java.time.LocalDate;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The Llama community licences as data: dates, numbers and clause numbers from the licence texts (models/&lt;version&gt;/LICENSE
 * and USE_POLICY.md of Meta's llama-models repository). The texts themselves come with each imported model.
 */
public final class Licences {
    /** The largest sum of monthly active users that needs no grant: the clause says "greater than 700 million". */
    public static final long THRESHOLD = 700_000_000L;

    /** Llama 2 to Llama 4, in order of release. */
    public static final List<LicenceVersion> META =
            List.of(llama2(), llama3(), llama31(), llama32(), llama33(), llama4());

    private Licences() {}

    private static LicenceVersion llama2() {
        return version(
                "2",
                "Llama 2 Community License Agreement",
                LocalDate.of(2023, 7, 18),
                new Terms(
                        "Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms, Inc. All Rights Reserved.",
                        false,
                        null,
                        null,
                        false,
                        false));
    }

    private static LicenceVersion llama3() {
        return version(
                "3",
                "Meta Llama 3 Community License Agreement",
                LocalDate.of(2024, 4, 18),
                new Terms(
                        "Meta Llama 3 is licensed under the Meta Llama 3 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.",
                        false,
                        "Built with Meta Llama 3",
                        "Llama 3",
                        false,
                        false));
    }

    private static LicenceVersion llama31() {
        return later("3.1", LocalDate.of(2024, 7, 23), false);
    }

    private static LicenceVersion llama32() {
        return later("3.2", LocalDate.of(2024, 9, 25), true);
    }

    /** All models of 3.3 are text models; its acceptable use policy withholds multimodal ones from the Union all the same. */
    private static LicenceVersion llama33() {
        return later("3.3", LocalDate.of(2024, 12, 6), true);
    }

    private static LicenceVersion llama4() {
        return later("4", LocalDate.of(2025, 4, 5), true);
    }

    /** From 3.1 on the licences differ in version, dates and the carve-out alone. */
    private static LicenceVersion later(String version, LocalDate release, boolean carveOut) {
        String notice = "Llama " + version + " is licensed under the Llama " + version
                + " Community License, Copyright © Meta Platforms, Inc. All Rights Reserved.";
        return version(
                version,
                "Llama " + version + " Community License Agreement",
                release,
                new Terms(notice, true, "Built with Llama", "Llama", true, carveOut));
    }

    /** What the versions differ in, beside their dates. */
    private record Terms(
            String notice,
            boolean outputsTriggerPrefix,
            @Nullable String display,
            @Nullable String prefix,
            boolean mayImproveOthers,
            boolean euCarveOut) {}

    private static LicenceVersion version(String version, String name, LocalDate release, Terms terms) {
        List<Clause> clauses = new ArrayList<>();
        clauses.add(new Clause.AgreementCopy("1.b.i"));
        if (terms.display() != null) {
            clauses.add(new Clause.Display("1.b.i", terms.display()));
        }
        if (terms.prefix() != null) {
            Clause.Trigger trigger =
                    terms.outputsTriggerPrefix() ? Clause.Trigger.MATERIALS_OR_OUTPUTS : Clause.Trigger.MATERIALS;
            clauses.add(new Clause.NamePrefix("1.b.i", terms.prefix(), trigger));
        }
        clauses.add(new Clause.IntegratedProduct("1.b.ii"));
        clauses.add(new Clause.Notice("1.b.iii", terms.notice()));
        clauses.add(new Clause.AcceptableUse("1.b.iv"));
        if (!terms.mayImproveOthers()) {
            clauses.add(new Clause.NoImprovingOthers("1.b.v"));
        }
        clauses.add(new Clause.MonthlyActiveUsers("2", YearMonth.from(release).minusMonths(1), THRESHOLD));
        clauses.add(new Clause.EndsByLitigation("5.c"));
        clauses.add(new Clause.EndsByTermination("6"));
        if (terms.euCarveOut()) {
            clauses.add(new Clause.EuMultimodalCarveOut("AUP"));
        }
        return new LicenceVersion("llama-" + version, name, release, clauses);
    }
}
