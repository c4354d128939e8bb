package io.altiplano.licensing;

import java.util.Locale;

/**
 * Why a use is denied. The order of this list is the precedence: reasons are given in it, and the first one's code is the code of
 * the denial. First what the engine cannot judge, then rights that have ended, then rights never had, then steps that the
 * licensee can take by itself.
 */
public enum ReasonCode {
    /** The model's lineage names a parent that is missing, runs in a circle, or has a base model without a licence. */
    LINEAGE_BROKEN,
    /** The engine has no data for a licence of the lineage. */
    UNKNOWN_LICENCE,
    /** The engine has no rule for a clause. */
    UNKNOWN_CLAUSE,
    /** A clause's rule failed. */
    CLAUSE_FAILED,
    /** Two licences of the lineage cannot both be kept. */
    LICENCE_CONTRADICTION,
    /** The licensee filed a claim that the materials infringe its rights. */
    LITIGATION_TERMINATION,
    /** The licence was terminated for this licensee. */
    LICENCE_TERMINATED,
    /** A multimodal model, and a licensee in the European Union. */
    EU_MULTIMODAL_NOT_LICENSED,
    /** More monthly active users than the threshold, and no grant of the licensor that covers this use. */
    LICENCE_APPROVAL_REQUIRED,
    /** The use would improve a language model that does not derive from this one. */
    IMPROVING_OTHER_MODELS_FORBIDDEN,
    /** No attestation of the measured month. */
    ATTESTATION_REQUIRED,
    /** A multimodal model, and the licensee's domicile or principal place of business is unknown. */
    DOMICILE_REQUIRED,
    /** The licence and its acceptable use policy have not been accepted. */
    AUP_ACCEPTANCE_REQUIRED,
    /** The derived model's name does not begin as the licence asks. */
    NAME_PREFIX_REQUIRED;

    /** The code in errors and logs, such as {@code licence_approval_required}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
