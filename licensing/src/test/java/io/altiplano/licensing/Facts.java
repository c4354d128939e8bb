package io.altiplano.licensing;

import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.List;
import java.util.Set;

/** Facts for tests. */
final class Facts {
    /** The instant that requests ask about. */
    static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    /** When facts were recorded. */
    static final Instant BEFORE = Instant.parse("2026-01-15T09:00:00Z");

    private Facts() {}

    /** A licence of Meta. */
    static LicenceVersion licence(String id) {
        return Licences.META.stream()
                .filter(l -> l.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no licence " + id));
    }

    /** An attestation of one product for a licence's measured month. */
    static Attestation attestation(String entity, String licence, long users) {
        return attestation(entity, licence, Figure.product("app", users));
    }

    /** An attestation of some figures for a licence's measured month. */
    static Attestation attestation(String entity, String licence, Figure... figures) {
        YearMonth month = licence(licence).measuredMonth().orElseThrow();
        return new Attestation(entity, licence, month, List.of(figures), "Ana Rojas", BEFORE);
    }

    /** A tenant in Chile that accepted a licence. */
    static Licensee.Builder accepted(String id, String licence) {
        return Licensee.builder(id)
                .domicile("CL")
                .principalPlace("CL")
                .accepted(new Acceptance(licence, "Ana Rojas", BEFORE));
    }

    /** A tenant that accepted a licence and attested some users. */
    static Licensee tenant(String licence, long users) {
        return accepted("acme", licence)
                .attested(attestation("acme", licence, users))
                .build();
    }

    /** A tenant that has accepted and attested all licences, with few users. */
    static Licensee.Builder small() {
        Licensee.Builder builder = Licensee.builder("acme").domicile("CL").principalPlace("CL");
        for (LicenceVersion licence : Licences.META) {
            builder.accepted(new Acceptance(licence.id(), "Ana Rojas", BEFORE));
            builder.attested(attestation("acme", licence.id(), 1_200_000));
        }
        return builder;
    }

    /** A grant of all uses of one licence, everywhere, from 2026-01-01 on. */
    static LicenceGrant grant(String id, String licensee, String licence) {
        return new LicenceGrant(
                id,
                licensee,
                "a".repeat(64),
                LocalDate.of(2026, 1, 1),
                null,
                null,
                Set.of(licence),
                Set.of(Use.values()),
                Territory.everywhere());
    }

    /** What the engine answers now. */
    static Decision decide(Licensee licensee, Lineage lineage, Use use) {
        return new LicenceEngine().decide(new LicenceRequest(licensee, lineage, use, NOW));
    }

    /** The codes of a denial, in its order; empty for a permit. */
    static List<ReasonCode> codes(Decision decision) {
        return switch (decision) {
            case Decision.Permit permit -> List.of();
            case Decision.Deny deny -> deny.reasons().stream().map(Reason::code).toList();
        };
    }
}
