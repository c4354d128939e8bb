package io.altiplano.licensing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The duties that a licence attaches to each use. They are conditional as the licence's are ("whoever makes it available ..."):
 * a permit to infer lists what holds once the tenant's product reaches others.
 */
final class Duties {
    private Duties() {}

    /** The duties of a licence for each use, in order of their kind. */
    static Map<Use, List<Obligation>> of(LicenceVersion licence) {
        Map<Use, List<Obligation>> byUse = new EnumMap<>(Use.class);
        for (Use use : Use.values()) {
            List<Obligation> duties = new ArrayList<>();
            for (Clause clause : licence.clauses()) {
                Obligation duty = duty(licence, clause, use);
                if (duty != null) {
                    duties.add(duty);
                }
            }
            duties.sort(Comparator.comparing(Obligation::kind));
            byUse.put(use, List.copyOf(duties));
        }
        return byUse;
    }

    private static @Nullable Obligation duty(LicenceVersion licence, Clause clause, Use use) {
        return switch (clause) {
            case Clause.AcceptableUse c ->
                obligation(
                        licence,
                        c,
                        Obligation.Kind.ACCEPTABLE_USE,
                        "Keep to the acceptable use policy of the " + licence.name()
                                + ", and do not allow others to break it.");
            case Clause.AgreementCopy c ->
                obligation(
                        licence,
                        c,
                        Obligation.Kind.AGREEMENT_COPY,
                        "Whoever makes the model, a derivative of it, or a product that contains it available to others gives"
                                + " them a copy of the " + licence.name() + ".");
            case Clause.Display c ->
                obligation(
                        licence,
                        c,
                        Obligation.Kind.DISPLAY,
                        "Display \"" + c.text()
                                + "\" prominently on a website, user interface, blog post, about page or product documentation.");
            case Clause.NamePrefix c ->
                bindsName(c, use)
                        ? obligation(
                                licence,
                                c,
                                Obligation.Kind.NAME_PREFIX,
                                "The name of a model made with "
                                        + (c.trigger() == Clause.Trigger.MATERIALS
                                                ? "the model"
                                                : "the model or its outputs")
                                        + " and made available to others begins with \"" + c.prefix() + "\".")
                        : null;
            case Clause.Notice c ->
                copies(use)
                        ? obligation(
                                licence,
                                c,
                                Obligation.Kind.NOTICE,
                                "Copies carry a text file \"Notice\" that says: " + c.text())
                        : null;
            case Clause.NoImprovingOthers c ->
                obligation(
                        licence,
                        c,
                        Obligation.Kind.NO_IMPROVING_OTHERS,
                        "Do not use the model or its outputs to improve a large language model that does not derive from it.");
            case Clause.MonthlyActiveUsers c -> null;
            case Clause.IntegratedProduct c -> null;
            case Clause.EndsByLitigation c -> null;
            case Clause.EndsByTermination c -> null;
            case Clause.EuMultimodalCarveOut c -> null;
            case Clause.Unknown c -> null;
        };
    }

    private static Obligation obligation(LicenceVersion licence, Clause clause, Obligation.Kind kind, String text) {
        return new Obligation(licence.id(), clause.number(), kind, text);
    }

    /** Whoever merely infers holds outputs, not materials. */
    private static boolean bindsName(Clause.NamePrefix clause, Use use) {
        return clause.trigger() == Clause.Trigger.MATERIALS_OR_OUTPUTS || use != Use.INFER;
    }

    /** Whether a use can end in a copy of the materials. */
    private static boolean copies(Use use) {
        return use == Use.DERIVE || use == Use.PUBLISH || use == Use.EXPORT_WEIGHTS;
    }
}
