package io.altiplano.gateway.tenant;

import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.approval.ApprovalEffect;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.jdbi.v3.core.Handle;

/** Two persons give a suspended tenant its tier back. */
@ApplicationScoped
class ReinstatementApproval implements ApprovalEffect {
    private final Tiers tiers;

    @Inject
    ReinstatementApproval(Tiers tiers) {
        this.tiers = tiers;
    }

    @Override
    public String kind() {
        return Tiers.REINSTATEMENT;
    }

    @Override
    public String currentContent(Handle operator, Approval approval) {
        return Tiers.content(operator, approval);
    }

    @Override
    public void approved(Handle operator, Approval approval, Person approver) {
        tiers.approved(operator, approval, approver);
    }

    @Override
    public void rejected(Handle operator, Approval approval, Person person, String reason) {
        // The tenant stays where it is; the approval itself is the record of the refusal.
    }
}
