package io.altiplano.gateway.licence;

import io.altiplano.gateway.licence.AttestationRecord.Line;
import io.altiplano.gateway.licence.AttestationRecord.State;
import io.altiplano.gateway.licence.GroupFigure.GroupLine;
import io.altiplano.gateway.tenant.Affiliate;
import io.altiplano.gateway.tenant.Affiliations;
import io.altiplano.gateway.tenant.Product;
import io.altiplano.gateway.tenant.Tenant;
import io.altiplano.licensing.Figure;
import io.altiplano.licensing.LicenceEngine;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * What speaks against accepting an attestation by itself. A figure above the threshold can only take rights away, and is never
 * doubted; one up to it is, where the group's accepted figure would fall there, or a recorded fact contradicts it.
 */
@ApplicationScoped
class AttestationDoubts {
    private final Affiliations affiliations;
    private final LicenceEngine engine;

    @Inject
    AttestationDoubts(Affiliations affiliations, LicenceEngine engine) {
        this.affiliations = affiliations;
        this.engine = engine;
    }

    /**
     * What was found.
     *
     * @param groupFigure the group's figure with this attestation in force
     * @param doubts a sentence each; empty if it may be accepted by itself
     */
    record Findings(long groupFigure, List<String> doubts) {
        Findings {
            doubts = List.copyOf(doubts);
        }
    }

    Findings about(Handle operator, Tenant tenant, AttestationRecord a) {
        long threshold = engine.licence(a.licence()).orElseThrow().threshold().orElseThrow();
        List<GroupLine> present = AttestationStore.groupLines(operator, tenant.id(), a.licence());
        List<GroupLine> others =
                present.stream().filter(l -> !l.member().equals(tenant.id())).toList();
        List<GroupLine> then = new ArrayList<>(others);
        for (Line line : a.lines()) {
            then.add(new GroupLine(
                    a.licence(), a.month(), Instant.EPOCH, tenant.id(), tenant.registrationNumber(), line));
        }
        long before = GroupFigure.of(present);
        long after = GroupFigure.of(then);
        List<String> doubts = new ArrayList<>();
        if (after <= threshold) {
            if (before > threshold) {
                doubts.add(String.format(
                        Locale.ROOT, "the group's accepted figure would fall from %,d to %,d", before, after));
            }
            contradictions(operator, tenant, a, others, doubts);
            unconfirmedAccounts(operator, tenant, a, then, threshold, doubts);
        }
        return new Findings(after, doubts);
    }

    /** An account that nobody has confirmed binds nobody; but what it states is a reason to look before one more is trusted. */
    private static void unconfirmedAccounts(
            Handle operator,
            Tenant tenant,
            AttestationRecord a,
            List<GroupLine> then,
            long threshold,
            List<String> doubts) {
        List<GroupLine> claimed = new ArrayList<>(then);
        claimed.addAll(AttestationStore.unconfirmedLines(operator, tenant.id(), a.licence()));
        long figure = GroupFigure.of(claimed);
        if (figure > threshold) {
            doubts.add(String.format(
                    Locale.ROOT,
                    "with accounts that state to be of the same group and are not confirmed, the figure would be %,d",
                    figure));
        }
    }

    private void contradictions(
            Handle operator, Tenant tenant, AttestationRecord a, List<GroupLine> others, List<String> doubts) {
        long own = GroupFigure.sum(
                a.lines().stream().filter(l -> l.kind() == Figure.Kind.PRODUCT).mapToLong(Line::monthlyActiveUsers));
        for (GroupLine other : others) {
            boolean aboutThis = tenant.registrationNumber() != null
                    && (tenant.registrationNumber().equals(other.line().registrationNumber()));
            if (aboutThis && other.line().monthlyActiveUsers() > own) {
                doubts.add(String.format(
                        Locale.ROOT,
                        "another account states %,d users of this entity, which states %,d itself",
                        other.line().monthlyActiveUsers(),
                        own));
            }
        }
        Set<String> itemised = a.lines().stream()
                .map(l -> l.registrationNumber() == null ? "" : l.registrationNumber())
                .collect(Collectors.toSet());
        Set<String> attesting = others.stream()
                .map(l -> l.memberRegistration() == null ? "" : l.memberRegistration())
                .collect(Collectors.toSet());
        for (Affiliate affiliate : affiliations.affiliates(operator, tenant.id())) {
            if (affiliate.removedAt() == null
                    && !itemised.contains(affiliate.registrationNumber())
                    && !attesting.contains(affiliate.registrationNumber())) {
                doubts.add("the declared affiliate " + affiliate.name() + " (" + affiliate.registrationNumber()
                        + ") is not among the lines");
            }
        }
        Set<String> products = a.lines().stream()
                .filter(l -> l.kind() == Figure.Kind.PRODUCT)
                .map(l -> l.name().strip().toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
        for (Product product : affiliations.products(operator, tenant.id())) {
            if (product.endedAt() == null
                    && !products.contains(product.name().strip().toLowerCase(Locale.ROOT))) {
                doubts.add("the declared product " + product.name() + " is not among the lines");
            }
        }
        boolean refusedBefore = AttestationStore.list(operator, tenant.id()).stream()
                .filter(o ->
                        o.licence().equals(a.licence()) && (o.state() == State.ACCEPTED || o.state() == State.REJECTED))
                .findFirst()
                .map(o -> o.state() == State.REJECTED)
                .orElse(false);
        if (refusedBefore) {
            doubts.add("the attestation before it was rejected");
        }
    }
}
