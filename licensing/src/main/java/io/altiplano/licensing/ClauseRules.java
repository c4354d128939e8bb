package io.altiplano.licensing;

import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rule for each kind of clause; the rule for users is {@link MonthlyActiveUsersRule}. */
final class ClauseRules implements ClauseRule {
    private final MonthlyActiveUsersRule users = new MonthlyActiveUsersRule();

    @Override
    public void judge(LicenceVersion licence, Clause clause, LicenceRequest request, Findings findings) {
        switch (clause) {
            case Clause.MonthlyActiveUsers c -> users.judge(licence, c, request, findings);
            case Clause.AcceptableUse c -> acceptance(licence, c, request, findings);
            case Clause.EndsByLitigation c -> litigation(licence, c, request, findings);
            case Clause.EndsByTermination c -> termination(licence, c, request, findings);
            case Clause.EuMultimodalCarveOut c -> carveOut(licence, c, request, findings);
            case Clause.NoImprovingOthers c -> improving(licence, c, request, findings);
            case Clause.NamePrefix c -> name(licence, c, request, findings);
            case Clause.Unknown c ->
                findings.deny(
                        licence.id(),
                        c.number(),
                        ReasonCode.UNKNOWN_CLAUSE,
                        where(licence, c) + ": the platform has no rule for this clause (" + c.about() + ").",
                        "Ask the platform's operator; a use is permitted only when every clause can be judged.");
            // Duties and exemptions alone: they deny nothing.
            case Clause.AgreementCopy c -> {}
            case Clause.Display c -> {}
            case Clause.Notice c -> {}
            case Clause.IntegratedProduct c -> {}
        }
    }

    /** "Llama 3.1 Community License Agreement, clause 2". */
    static String where(LicenceVersion licence, Clause clause) {
        return licence.name() + ", clause " + clause.number();
    }

    private static void acceptance(
            LicenceVersion licence, Clause.AcceptableUse clause, LicenceRequest request, Findings findings) {
        boolean accepted = request.licensee().acceptances().stream()
                .anyMatch(a -> a.licence().equals(licence.id()) && !a.at().isAfter(request.at()));
        if (!accepted) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.AUP_ACCEPTANCE_REQUIRED,
                    where(licence, clause) + ": " + request.licensee().id()
                            + " has not accepted the agreement and its acceptable use policy.",
                    "Accept the licence and its acceptable use policy.");
        }
    }

    private static void litigation(
            LicenceVersion licence, Clause.EndsByLitigation clause, LicenceRequest request, Findings findings) {
        request.licensee().litigations().stream()
                .filter(l -> l.licence().equals(licence.id()) && !l.from().isAfter(request.at()))
                .map(l -> l.filedOn() + " (" + l.reference() + ")")
                .sorted()
                .findFirst()
                .ifPresent(claim -> findings.deny(
                        licence.id(),
                        clause.number(),
                        ReasonCode.LITIGATION_TERMINATION,
                        where(licence, clause) + ": the licence of "
                                + request.licensee().id()
                                + " ended with the claim filed on " + claim + ".",
                        "Cease use and delete all copies; a new licence can come from Meta alone."));
    }

    private static void termination(
            LicenceVersion licence, Clause.EndsByTermination clause, LicenceRequest request, Findings findings) {
        request.licensee().terminations().stream()
                .filter(t -> t.licence().equals(licence.id()) && t.holds(request.at()))
                .map(t -> t.at() + " (" + t.cause() + ")")
                .sorted()
                .findFirst()
                .ifPresent(end -> findings.deny(
                        licence.id(),
                        clause.number(),
                        ReasonCode.LICENCE_TERMINATED,
                        where(licence, clause) + ": the licence of "
                                + request.licensee().id() + " was terminated at " + end + ".",
                        "Cease use and delete all copies; ask for reinstatement."));
    }

    /**
     * The policy names companies with a principal place of business in the Union and individuals domiciled there. Either fact
     * counts for everybody here, which never permits what the policy withholds. A derivative that is itself multimodal counts
     * too, since nobody can tell which materials its other senses came from. End users of an integrated product are exempt.
     */
    private static void carveOut(
            LicenceVersion licence, Clause.EuMultimodalCarveOut clause, LicenceRequest request, Findings findings) {
        Licensee licensee = request.licensee();
        boolean endUser =
                request.use() == Use.INFER && licensee.integratedProducts().contains(licence.id());
        if (!request.lineage().multimodalUnder(licence.id()) || endUser) {
            return;
        }
        if (EuropeanUnion.contains(licensee.domicile()) || EuropeanUnion.contains(licensee.principalPlace())) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.EU_MULTIMODAL_NOT_LICENSED,
                    where(licence, clause) + ": no rights in multimodal models are granted to " + licensee.id()
                            + ", which is domiciled or has its principal place of business in the European Union.",
                    "Use a text model.");
        } else if (licensee.domicile() == null || licensee.principalPlace() == null) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.DOMICILE_REQUIRED,
                    where(licence, clause)
                            + ": multimodal models are not licensed in the European Union, and the domicile or"
                            + " principal place of business of " + licensee.id() + " is not known.",
                    "Register the domicile and the principal place of business.");
        }
    }

    private static void improving(
            LicenceVersion licence, Clause.NoImprovingOthers clause, LicenceRequest request, Findings findings) {
        Lineage improved = request.improved();
        if (request.use() == Use.IMPROVE_OTHER_MODEL && (improved == null || !improved.within(licence.id()))) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.IMPROVING_OTHER_MODELS_FORBIDDEN,
                    where(licence, clause)
                            + ": neither the model nor its outputs may improve a large language model that does"
                            + " not derive from it.",
                    "Improve a derivative of the same model, or take a model whose licence allows it (Llama 3.1 and later).");
        }
        Model outsider = request.lineage().outsider(licence.id());
        if (outsider != null) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.LICENCE_CONTRADICTION,
                    where(licence, clause) + ": model " + outsider.id()
                            + " was made with materials or outputs that may improve only their own derivatives, and it also"
                            + " began in something else.",
                    "Make the model again without one of the two.");
        }
    }

    private static void name(
            LicenceVersion licence, Clause.NamePrefix clause, LicenceRequest request, Findings findings) {
        Model subject = request.lineage().derivedSubject();
        boolean triggered = clause.trigger() == Clause.Trigger.MATERIALS_OR_OUTPUTS
                || request.lineage().reachesByWeights(licence.id());
        if (request.use() == Use.PUBLISH && subject != null && triggered && !begins(subject.name(), clause.prefix())) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.NAME_PREFIX_REQUIRED,
                    where(licence, clause) + ": the name \"" + subject.name() + "\" does not begin with \""
                            + clause.prefix() + "\".",
                    "Give the model a name that begins with \"" + clause.prefix() + "\".");
        }
    }

    /** Whether a name begins with a prefix as people read it: ids are in lower case, with hyphens for spaces. */
    static boolean begins(String name, String prefix) {
        return plain(name).startsWith(plain(prefix));
    }

    private static String plain(String text) {
        return text.toLowerCase(Locale.ROOT).replace('-', ' ').replace('_', ' ');
    }

    /** Two prefixes that no name can begin with, or null. */
    static @Nullable String contradiction(Set<String> prefixes) {
        for (String one : prefixes) {
            for (String other : prefixes) {
                if (!begins(one, other) && !begins(other, one)) {
                    return "\"" + one + "\" and \"" + other + "\"";
                }
            }
        }
        return null;
    }
}
