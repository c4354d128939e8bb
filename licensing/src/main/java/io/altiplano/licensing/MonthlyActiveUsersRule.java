package io.altiplano.licensing;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Clause 2. It is a snapshot: it asks for the users in one calendar month for ever, so that later growth takes nothing away, and
 * later shrinking gives nothing.
 *
 * <p>Of each entity of the group the latest attestation of the measured month counts, and of these sums the largest: each already
 * counts the whole group, and two that differ cannot both be right. A grant that covers the use lifts the clause, whatever was
 * attested.
 */
final class MonthlyActiveUsersRule {
    void judge(LicenceVersion licence, Clause.MonthlyActiveUsers clause, LicenceRequest request, Findings findings) {
        Licensee licensee = request.licensee();
        boolean exempt = licensee.integratedProducts().contains(licence.id())
                && licence.clause(Clause.IntegratedProduct.class).isPresent();
        if (exempt) {
            return;
        }
        Map<String, Long> byEntity = latest(licence, clause, request);
        long largest = byEntity.values().stream().mapToLong(v -> v).max().orElse(0);
        boolean attested = byEntity.containsKey(licensee.id());
        if (attested && largest <= clause.threshold()) {
            return;
        }
        Optional<LicenceGrant> grant = licensee.grants().stream()
                .filter(g -> gap(g, licence, request) == null)
                .min(Comparator.comparing(LicenceGrant::id));
        if (grant.isPresent()) {
            findings.relyOn(grant.get());
        } else if (largest > clause.threshold()) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.LICENCE_APPROVAL_REQUIRED,
                    tooMany(licence, clause, request, largest),
                    "Request a licence from Meta. Once Meta has expressly granted it, send the grant to the platform's licence"
                            + " officers, who record it.");
        }
        if (grant.isEmpty() && !attested) {
            findings.deny(
                    licence.id(),
                    clause.number(),
                    ReasonCode.ATTESTATION_REQUIRED,
                    ClauseRules.where(licence, clause) + ": " + licensee.id()
                            + " has not attested its monthly active users, with those of its affiliates, in "
                            + clause.month() + ", the month before the release of " + licence.id() + ".",
                    "Attest the monthly active users of every product and affiliate in " + clause.month() + ".");
        }
    }

    /** Each entity's latest sum for the measured month; the larger one of two made at one instant. */
    private static Map<String, Long> latest(
            LicenceVersion licence, Clause.MonthlyActiveUsers clause, LicenceRequest request) {
        Map<String, Attestation> byEntity = new HashMap<>();
        for (Attestation a : request.licensee().attestations()) {
            if (a.licence().equals(licence.id()) && a.month().equals(clause.month()) && !a.at().isAfter(request.at())) {
                byEntity.merge(a.entity(), a, MonthlyActiveUsersRule::later);
            }
        }
        Map<String, Long> sums = new HashMap<>();
        byEntity.forEach((entity, a) -> sums.put(entity, a.monthlyActiveUsers()));
        return sums;
    }

    private static Attestation later(Attestation one, Attestation other) {
        int byTime = one.at().compareTo(other.at());
        boolean first = byTime == 0 ? one.monthlyActiveUsers() >= other.monthlyActiveUsers() : byTime > 0;
        return first ? one : other;
    }

    private static String tooMany(
            LicenceVersion licence, Clause.MonthlyActiveUsers clause, LicenceRequest request, long users) {
        List<String> gaps = new ArrayList<>();
        for (LicenceGrant grant : request.licensee().grants()) {
            gaps.add(grant.id() + " " + gap(grant, licence, request));
        }
        gaps.sort(Comparator.naturalOrder());
        return ClauseRules.where(licence, clause) + ": the products and services of "
                + request.licensee().id() + " and its affiliates had " + grouped(users) + " monthly active users in "
                + clause.month() + ", more than " + grouped(clause.threshold())
                + ", and no licence granted by Meta covers this use"
                + (gaps.isEmpty() ? "" : " (" + String.join("; ", gaps) + ")") + ".";
    }

    /** With a comma before every third digit from the end; a formatter would take longer than the rest of the decision. */
    static String grouped(long number) {
        StringBuilder digits = new StringBuilder(26).append(number);
        int first = number < 0 ? 2 : 1;
        for (int i = digits.length() - 3; i >= first; i -= 3) {
            digits.insert(i, ',');
        }
        return digits.toString();
    }

    /** Why a grant does not cover a request, or null if it does. */
    private static @Nullable String gap(LicenceGrant grant, LicenceVersion licence, LicenceRequest request) {
        Licensee licensee = request.licensee();
        Instant at = request.at();
        if (!grant.licensee().equals(licensee.id())) {
            return "is granted to " + grant.licensee() + " and cannot be transferred";
        }
        if (!grant.licences().contains(licence.id())) {
            return "does not name " + licence.id();
        }
        if (!grant.uses().contains(request.use())) {
            return "does not name the use " + request.use();
        }
        if (at.isBefore(grant.from())) {
            return "begins on " + grant.date();
        }
        if (!at.isBefore(grant.until())) {
            return "ended at " + grant.until();
        }
        if (!grant.territory().contains(licensee.domicile())
                || !grant.territory().contains(licensee.principalPlace())) {
            return "does not hold in the country of domicile and of the principal place of business";
        }
        return null;
    }
}
