package io.altiplano.licensing;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a licensee may use a model. The answer is a function of the request and of the licences' data: no clock, no
 * I/O, no state, so that any decision can be replayed.
 *
 * <p>The engine walks the lineage from its roots, judges every clause of every licence that it meets, and collects all reasons.
 * It fails closed: a licence it has no data for, a clause it has no rule for, and a rule that throws each deny.
 *
 * <pre>{@code
 * LicenceEngine engine = new LicenceEngine();
 * Licensee acme = Licensee.builder("acme")
 *         .attested(new Attestation("acme", "llama-3.1", YearMonth.of(2024, 6),
 *                 List.of(Figure.product("acme-app", 1_200_000)), "Ana Rojas", attestedAt))
 *         .accepted(new Acceptance("llama-3.1", "Ana Rojas", attestedAt))
 *         .build();
 * Lineage model = Lineage.base("llama-3.1-starter", "llama-3.1");
 * switch (engine.decide(new LicenceRequest(acme, model, Use.INFER, now))) {
 *     case Decision.Permit permit -> serve(permit.obligations());
 *     case Decision.Deny deny -> refuse(deny.first().code().code(), deny.first().message(), deny.first().remedy());
 * }
 * }</pre>
 *
 * <p>Immutable and thread-safe.
 */
public final class LicenceEngine {
    private static final Comparator<Reason> PRECEDENCE = Comparator.comparing(Reason::code);

    private final Map<String, LicenceVersion> licences = new HashMap<>();
    private final Map<String, Map<Use, List<Obligation>>> duties = new HashMap<>();
    private final ClauseRule rule;

    /** An engine for the Llama community licences. */
    public LicenceEngine() {
        this(Licences.META);
    }

    /**
     * An engine for some licences.
     *
     * @throws IllegalArgumentException if two have one id
     */
    public LicenceEngine(Collection<LicenceVersion> licences) {
        this(licences, new ClauseRules());
    }

    LicenceEngine(Collection<LicenceVersion> licences, ClauseRule rule) {
        this.rule = rule;
        for (LicenceVersion licence : licences) {
            if (this.licences.put(licence.id(), licence) != null) {
                throw new IllegalArgumentException("two licences have the id " + licence.id());
            }
            duties.put(licence.id(), Duties.of(licence));
        }
    }

    /** The data of a licence. */
    public Optional<LicenceVersion> licence(String id) {
        return Optional.ofNullable(licences.get(id));
    }

    /** Decides; never throws for a request that could be built. */
    public Decision decide(LicenceRequest request) {
        Findings findings = new Findings();
        Lineage lineage = request.lineage();
        for (String fault : lineage.faults()) {
            findings.deny(
                    null,
                    null,
                    ReasonCode.LINEAGE_BROKEN,
                    "Lineage of " + lineage.subject() + ": " + fault + ".",
                    "Register the whole lineage of the model.");
        }
        for (String id : lineage.licences()) {
            judge(id, request, findings);
        }
        contradiction(lineage, findings);
        Instant until = holdsUntil(request);
        if (!findings.reasons().isEmpty()) {
            List<Reason> reasons =
                    findings.reasons().stream().sorted(PRECEDENCE).toList();
            return new Decision.Deny(reasons, lineage.licences(), until);
        }
        List<Obligation> obligations = new ArrayList<>();
        for (String id : lineage.licences()) {
            obligations.addAll(duties.getOrDefault(id, Map.of()).getOrDefault(request.use(), List.of()));
        }
        return new Decision.Permit(obligations, lineage.licences(), findings.grants(), until);
    }

    private void judge(String id, LicenceRequest request, Findings findings) {
        LicenceVersion licence = licences.get(id);
        if (licence == null) {
            findings.deny(
                    id,
                    null,
                    ReasonCode.UNKNOWN_LICENCE,
                    "The platform does not know the licence " + id + ", which the model stands under.",
                    "Ask the platform's operator; known are " + String.join(", ", new TreeSet<>(licences.keySet()))
                            + ".");
            return;
        }
        for (Clause clause : licence.clauses()) {
            try {
                rule.judge(licence, clause, request, findings);
            } catch (RuntimeException failure) {
                findings.deny(
                        id,
                        clause.number(),
                        ReasonCode.CLAUSE_FAILED,
                        ClauseRules.where(licence, clause) + ": the clause could not be judged ("
                                + failure.getClass().getSimpleName() + ").",
                        "Ask the platform's operator; a use is permitted only when every clause can be judged.");
            }
        }
    }

    /** A name cannot begin in two ways. */
    private void contradiction(Lineage lineage, Findings findings) {
        if (lineage.licences().size() < 2) {
            return;
        }
        Set<String> prefixes = new TreeSet<>();
        for (String id : lineage.licences()) {
            licence(id).flatMap(LicenceVersion::namePrefix).ifPresent(prefixes::add);
        }
        @Nullable String pair = ClauseRules.contradiction(prefixes);
        if (pair != null) {
            findings.deny(
                    null,
                    null,
                    ReasonCode.LICENCE_CONTRADICTION,
                    "Lineage of " + lineage.subject() + ": its licences ask for names that begin with " + pair + ".",
                    "Make the model again without one of the two.");
        }
    }

    /** The first instant after the request's at which a fact begins or ends. */
    private static Instant holdsUntil(LicenceRequest request) {
        Licensee licensee = request.licensee();
        Instant at = request.at();
        Instant first = Instant.MAX;
        for (Attestation attestation : licensee.attestations()) {
            first = earlier(first, attestation.at(), at);
        }
        for (Acceptance acceptance : licensee.acceptances()) {
            first = earlier(first, acceptance.at(), at);
        }
        for (LicenceGrant grant : licensee.grants()) {
            first = earlier(earlier(first, grant.from(), at), grant.until(), at);
        }
        for (Litigation litigation : licensee.litigations()) {
            first = earlier(first, litigation.from(), at);
        }
        for (Termination termination : licensee.terminations()) {
            first = earlier(first, termination.at(), at);
            Instant reinstated = termination.reinstatedAt();
            first = reinstated == null ? first : earlier(first, reinstated, at);
        }
        return first;
    }

    private static Instant earlier(Instant first, Instant candidate, Instant after) {
        return candidate.isAfter(after) && candidate.isBefore(first) ? candidate : first;
    }
}
