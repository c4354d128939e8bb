package io.altiplano.licensing;

import java.util.Locale;

/**
 * Why a use is denied. The order of this list is the precedence: reasons are given in it, and the first one's code is the code of
 * the denial. First what the engine cannot judge, then rights that have ended, then rights never had, then steps that the
 * licensee can take by itself.
 */
public enum ReasonCode {
    LINEAGE_BROKEN(
            "The model's lineage names a parent that is missing, runs in a circle, or has a base model without a licence."),
    UNKNOWN_LICENCE("The engine has no data for a licence of the lineage."),
    UNKNOWN_CLAUSE("The engine has no rule for a clause."),
    CLAUSE_FAILED("A clause's rule failed."),
    LICENCE_CONTRADICTION("Two licences of the lineage cannot both be kept."),
    LITIGATION_TERMINATION("The licensee filed a claim that the materials infringe its rights."),
    LICENCE_TERMINATED("The licence was terminated for this licensee."),
    EU_MULTIMODAL_NOT_LICENSED("A multimodal model, and a licensee in the European Union."),
    LICENCE_APPROVAL_REQUIRED(
            "More monthly active users than the threshold, and no grant of the licensor that covers this use."),
    IMPROVING_OTHER_MODELS_FORBIDDEN("The use would improve a language model that does not derive from this one."),
    ATTESTATION_REQUIRED("No attestation of the measured month."),
    DOMICILE_REQUIRED("A multimodal model, and the licensee's domicile or principal place of business is unknown."),
    AUP_ACCEPTANCE_REQUIRED("The licence and its acceptable use policy have not been accepted."),
    NAME_PREFIX_REQUIRED("The derived model's name does not begin as the licence asks.");

    private final String meaning;

    ReasonCode(String meaning) {
        this.meaning = meaning;
    }

    /** What it means, in a sentence. */
    public String meaning() {
        return meaning;
    }

    /** The code in errors and logs, such as {@code licence_approval_required}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
