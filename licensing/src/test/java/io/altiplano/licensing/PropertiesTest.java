package io.altiplano.licensing;

import static io.altiplano.licensing.Facts.NOW;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.statistics.Statistics;
import org.jspecify.annotations.Nullable;

/** What holds for all facts, lineages and uses. */
class PropertiesTest {
    private static final List<String> IDS =
            Licences.META.stream().map(LicenceVersion::id).toList();
    private static final LicenceEngine ENGINE = new LicenceEngine();

    @Property
    void moreUsersNeverPermitMore(
            @ForAll("licensees") Licensee licensee,
            @ForAll("lineages") Lineage lineage,
            @ForAll Use use,
            @ForAll @LongRange(min = 0) long more) {
        String before = permits(licensee, lineage, use) == 1 ? "permitted" : "denied";
        Statistics.label("before")
                .collect(before)
                .coverage(c -> c.check("permitted").percentage(p -> p >= 5));
        List<Attestation> grown = licensee.attestations().stream()
                .map(a -> with(a, Figure.product("growth", more)))
                .toList();

        assertThat(permits(attesting(licensee, grown), lineage, use))
                .isLessThanOrEqualTo(permits(licensee, lineage, use));
    }

    @Property
    void anotherAffiliateNeverPermitsMore(
            @ForAll("licensees") Licensee licensee,
            @ForAll("lineages") Lineage lineage,
            @ForAll Use use,
            @ForAll @LongRange(min = 0, max = 800_000_000) long users) {
        List<Attestation> grown = licensee.attestations().stream()
                .map(a -> with(a, Figure.affiliate("another", users)))
                .toList();

        assertThat(permits(attesting(licensee, grown), lineage, use))
                .isLessThanOrEqualTo(permits(licensee, lineage, use));
    }

    @Property
    void onlyTheSumCountsAndNotHowItIsItemised(
            @ForAll("licensees") Licensee licensee, @ForAll("lineages") Lineage lineage, @ForAll Use use) {
        List<Attestation> summed = licensee.attestations().stream()
                .map(a -> new Attestation(
                        a.entity(),
                        a.licence(),
                        a.month(),
                        List.of(Figure.product("all", a.monthlyActiveUsers())),
                        a.signedBy(),
                        a.at()))
                .toList();

        assertThat(decide(attesting(licensee, summed), lineage, use)).isEqualTo(decide(licensee, lineage, use));
    }

    @Property
    void aDerivedModelHasAllDutiesAndAllDenialsOfItsParents(
            @ForAll("licensees") Licensee licensee,
            @ForAll("lineages") Lineage one,
            @ForAll("lineages") Lineage other,
            @ForAll Model.Relation relation,
            @ForAll Use use) {
        Set<Model> models = new HashSet<>(one.models());
        Set<String> known = new TreeSet<>();
        models.forEach(m -> known.add(m.id()));
        other.models().stream().filter(m -> known.add(m.id())).forEach(models::add);
        models.add(new Model(
                "child",
                "child",
                Set.of(),
                List.of(
                        new Model.Parent(one.subject(), Model.Relation.WEIGHTS),
                        new Model.Parent(other.subject(), relation)),
                false));
        Lineage child = new Lineage("child", models);

        Decision derived = decide(licensee, child, use);

        for (String subject : List.of(one.subject(), other.subject())) {
            Decision parent = decide(licensee, new Lineage(subject, models), use);
            assertThat(child.licences()).containsAll(parent.licences());
            switch (parent) {
                case Decision.Permit permit -> {
                    if (derived instanceof Decision.Permit own) {
                        assertThat(own.obligations()).containsAll(permit.obligations());
                    }
                }
                // A parent's name does not bind its child's.
                case Decision.Deny deny ->
                    assertThat(codes(derived))
                            .containsAll(deny.reasons().stream()
                                    .map(Reason::code)
                                    .filter(c -> c != ReasonCode.NAME_PREFIX_REQUIRED)
                                    .toList());
            }
        }
    }

    @Property
    void theOrderOfFactsAndModelsNeverMatters(
            @ForAll("licensees") Licensee licensee,
            @ForAll("lineages") Lineage lineage,
            @ForAll Use use,
            @ForAll Random random) {
        Licensee shuffled = new Licensee(
                licensee.id(),
                licensee.domicile(),
                licensee.principalPlace(),
                shuffled(licensee.attestations(), random),
                shuffled(licensee.acceptances(), random),
                shuffled(licensee.grants(), random),
                shuffled(licensee.litigations(), random),
                shuffled(licensee.terminations(), random),
                licensee.integratedProducts());
        List<Model> models = new ArrayList<>();
        for (Model m : lineage.models()) {
            models.add(new Model(m.id(), m.name(), m.licences(), shuffled(m.parents(), random), m.multimodal()));
        }
        Lineage other = new Lineage(lineage.subject(), shuffled(models, random));

        assertThat(decide(shuffled, other, use)).isEqualTo(decide(licensee, lineage, use));
    }

    @Property
    void anUnknownClauseDeniesWhateverElseHolds(
            @ForAll("licensees") Licensee licensee, @ForAll("lineages") Lineage lineage, @ForAll Use use) {
        List<LicenceVersion> licences = Licences.META.stream()
                .map(l -> {
                    List<Clause> clauses = new ArrayList<>(l.clauses());
                    clauses.add(new Clause.Unknown("9", "something new"));
                    return new LicenceVersion(l.id(), l.name(), l.releaseDate(), clauses);
                })
                .toList();

        Decision decision = new LicenceEngine(licences).decide(new LicenceRequest(licensee, lineage, use, NOW));

        assertThat(codes(decision)).contains(ReasonCode.UNKNOWN_CLAUSE);
    }

    @Property
    void reasonsStandInTheirPrecedence(
            @ForAll("licensees") Licensee licensee, @ForAll("lineages") Lineage lineage, @ForAll Use use) {
        assertThat(codes(decide(licensee, lineage, use))).isSorted();
    }

    @Property
    void anAnswerHoldsAsLongAsItSays(
            @ForAll("licensees") Licensee licensee,
            @ForAll("lineages") Lineage lineage,
            @ForAll Use use,
            @ForAll @LongRange(min = 0, max = 400L * 24 * 3600) long seconds) {
        Decision now = decide(licensee, lineage, use);
        Instant later = NOW.plusSeconds(seconds);

        Decision then = ENGINE.decide(new LicenceRequest(licensee, lineage, use, later));

        if (later.isBefore(now.holdsUntil())) {
            assertThat(then).isEqualTo(now);
        }
    }

    @Property
    void moreFactsOfEndingNeverPermitMore(
            @ForAll("licensees") Licensee licensee,
            @ForAll("lineages") Lineage lineage,
            @ForAll Use use,
            @ForAll("licenceIds") String licence) {
        List<Termination> terminations = new ArrayList<>(licensee.terminations());
        terminations.add(new Termination(licence, NOW, "breach", null));
        Licensee ended = new Licensee(
                licensee.id(),
                licensee.domicile(),
                licensee.principalPlace(),
                licensee.attestations(),
                licensee.acceptances(),
                licensee.grants(),
                licensee.litigations(),
                terminations,
                licensee.integratedProducts());

        boolean under = lineage.licences().contains(licence);

        assertThat(permits(ended, lineage, use)).isEqualTo(under ? 0 : permits(licensee, lineage, use));
    }

    @Provide
    Arbitrary<String> licenceIds() {
        return Arbitraries.of(IDS);
    }

    @Provide
    Arbitrary<Licensee> licensees() {
        Arbitrary<@Nullable String> country =
                Arbitraries.of("CL", "DE", "US", "PE").injectNull(0.1);
        Arbitrary<List<Attestation>> attestations = attestations().list().ofMaxSize(10);
        return Combinators.combine(
                        country,
                        country,
                        attestations,
                        grants().list().ofMaxSize(3),
                        Arbitraries.of(IDS).set().ofMaxSize(6),
                        endings().list().ofMaxSize(1),
                        Arbitraries.of(IDS).set().ofMaxSize(1),
                        Arbitraries.frequency(Tuple.of(4, true), Tuple.of(1, false)))
                .as(PropertiesTest::licensee);
    }

    private static Licensee licensee(
            @Nullable String domicile,
            @Nullable String place,
            List<Attestation> attestations,
            List<LicenceGrant> grants,
            Set<String> accepted,
            List<Termination> terminations,
            Set<String> integrated,
            boolean diligent) {
        Licensee.Builder builder = diligent ? Facts.small() : Licensee.builder("acme");
        builder.domicile(domicile).principalPlace(place);
        attestations.forEach(builder::attested);
        grants.forEach(builder::granted);
        accepted.forEach(
                id -> builder.accepted(new Acceptance(id, "Ana Rojas", NOW.plusSeconds(id.hashCode() % 3600))));
        if (!diligent) {
            terminations.forEach(builder::terminated);
            integrated.forEach(builder::integratedProduct);
            integrated.forEach(id -> builder.litigation(new Litigation(id, LocalDate.of(2026, 3, 5), "C-1")));
        }
        return builder.build();
    }

    private static Arbitrary<Attestation> attestations() {
        Arbitrary<List<Figure>> figures = Combinators.combine(
                        Arbitraries.of(Figure.Kind.class), Arbitraries.longs().between(0, 500_000_000))
                .as((kind, users) -> new Figure(kind, "name", users))
                .list()
                .ofMaxSize(3);
        return Combinators.combine(
                        Arbitraries.of("acme", "acme", "holding"),
                        Arbitraries.of(IDS),
                        figures,
                        Arbitraries.integers().between(-10, 10))
                .as((entity, licence, list, days) -> new Attestation(
                        entity,
                        licence,
                        Facts.licence(licence).measuredMonth().orElseThrow(),
                        list,
                        "Ana Rojas",
                        NOW.plusSeconds(days * 86_400L)));
    }

    private static Arbitrary<LicenceGrant> grants() {
        return Combinators.combine(
                        Arbitraries.of("g-1", "g-2"),
                        Arbitraries.of(IDS).set().ofMinSize(1),
                        Arbitraries.of(Use.class).set().ofMinSize(1),
                        Arbitraries.integers().between(-30, 30),
                        Arbitraries.integers().between(0, 30).injectNull(0.3),
                        Arbitraries.of(Territory.everywhere(), Territory.of("CL", "US")))
                .as((id, licences, uses, start, days, territory) -> {
                    LocalDate date = LocalDate.of(2026, 3, 1).plusDays(start);
                    LocalDate last = days == null ? null : date.plusDays(days);
                    return new LicenceGrant(id, "acme", "a".repeat(64), date, last, null, licences, uses, territory);
                });
    }

    private static Arbitrary<Termination> endings() {
        return Combinators.combine(
                        Arbitraries.of(IDS),
                        Arbitraries.integers().between(-5, 5),
                        Arbitraries.integers().between(0, 5).injectNull(0.5))
                .as((licence, start, days) -> {
                    Instant at = NOW.plusSeconds(start * 86_400L);
                    return new Termination(licence, at, "breach", days == null ? null : at.plusSeconds(days * 86_400L));
                });
    }

    /** Up to six models, each made from some of those before it. */
    @Provide
    Arbitrary<Lineage> lineages() {
        return Combinators.combine(
                        Arbitraries.of(IDS).list().ofMinSize(1).ofMaxSize(6),
                        Arbitraries.longs(),
                        Arbitraries.of("a", "b"))
                .as((licences, seed, family) -> {
                    Random random = new Random(seed);
                    List<Model> models = new ArrayList<>();
                    for (String licence : licences) {
                        models.add(random(family + models.size(), licence, models, random));
                    }
                    return new Lineage(models.getLast().id(), models);
                });
    }

    private static Model random(String id, String licence, List<Model> before, Random random) {
        List<Model.Parent> parents = new ArrayList<>();
        for (Model parent : before) {
            if (random.nextInt(2) == 0) {
                Model.Relation relation = random.nextInt(3) == 0 ? Model.Relation.OUTPUTS : Model.Relation.WEIGHTS;
                parents.add(new Model.Parent(parent.id(), relation));
            }
        }
        Set<String> licences = parents.isEmpty() || random.nextInt(4) == 0 ? Set.of(licence) : Set.of();
        return new Model(id, random.nextBoolean() ? "llama-3-" + id : id, licences, parents, random.nextInt(6) == 0);
    }

    private static <T> List<T> shuffled(List<T> list, Random random) {
        List<T> copy = new ArrayList<>(list);
        Collections.shuffle(copy, random);
        return copy;
    }

    private static Attestation with(Attestation a, Figure figure) {
        List<Figure> figures = new ArrayList<>(a.figures());
        figures.add(figure);
        return new Attestation(a.entity(), a.licence(), a.month(), figures, a.signedBy(), a.at());
    }

    private static Licensee attesting(Licensee l, List<Attestation> attestations) {
        return new Licensee(
                l.id(),
                l.domicile(),
                l.principalPlace(),
                attestations,
                l.acceptances(),
                l.grants(),
                l.litigations(),
                l.terminations(),
                l.integratedProducts());
    }

    private static Decision decide(Licensee licensee, Lineage lineage, Use use) {
        return ENGINE.decide(new LicenceRequest(licensee, lineage, use, NOW));
    }

    private static List<ReasonCode> codes(Decision decision) {
        return Facts.codes(decision);
    }

    private static int permits(Licensee licensee, Lineage lineage, Use use) {
        return decide(licensee, lineage, use) instanceof Decision.Permit ? 1 : 0;
    }
}
