package io.altiplano.gateway.licence;

/** Whether a tenant may use a model now. */
public sealed interface LicenceVerdict {

    /**
     * It may.
     *
     * @param decisionId the recorded decision's id
     * @param licenceEpoch the epoch at which that decision was confirmed to stand
     * @param confirmedAt when that was asked, by {@code System.nanoTime()}
     */
    record Permitted(String decisionId, long licenceEpoch, long confirmedAt) implements LicenceVerdict {}

    /**
     * It may not, and asking again does not help.
     *
     * @param code what a program branches on, e.g. "licence_approval_required"
     * @param message which clause, and what to do next
     */
    record Refused(String code, String message) implements LicenceVerdict {}

    /** It is not known at this moment whether the right still stands: fail closed, and try again (503). */
    record Unconfirmed() implements LicenceVerdict {}
}
