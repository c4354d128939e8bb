package io.altiplano.gateway.approval;

import io.altiplano.gateway.web.CurrentPerson.Person;
import org.jdbi.v3.core.Handle;

/**
 * What follows when a proposal of one kind is decided. One bean a kind; it runs inside the transaction that decides, so the
 * decision and its effect are one.
 */
public interface ApprovalEffect {
    /** The kind of proposals handled. */
    String kind();

    /**
     * The content hash of the record as it is now, which the approver must name. The record is locked until the transaction ends.
     *
     * @throws io.altiplano.gateway.web.ApiException 409 if the record is no longer there to be decided about
     */
    String currentContent(Handle operator, Approval approval);

    /** Makes it hold. */
    void approved(Handle operator, Approval approval, Person approver);

    /** Notes that it was refused. */
    void rejected(Handle operator, Approval approval, Person person, String reason);
}
