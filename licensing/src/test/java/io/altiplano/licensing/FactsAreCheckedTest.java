package io.altiplano.licensing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The core sees only valid facts: each record refuses what it cannot mean, and says what is wrong. */
class FactsAreCheckedTest {
    private static final Instant AT = Facts.BEFORE;
    private static final LocalDate DAY = LocalDate.of(2026, 1, 1);

    private static LicenceGrant grant(
            String id, String to, String hash, @Nullable LocalDate last, Set<String> licences, Set<Use> uses) {
        return new LicenceGrant(id, to, hash, DAY, last, null, licences, uses, Territory.everywhere());
    }

    static Stream<Arguments> refused() {
        String hash = "a".repeat(64);
        Set<String> licences = Set.of("llama-3.1");
        Set<Use> uses = Set.of(Use.INFER);
        return Stream.of(
                refused("name of the product or affiliate is blank", () -> Figure.product(" ", 1)),
                refused("monthly active users of app are -1, give 0 or more", () -> Figure.affiliate("app", -1)),
                refused(
                        "attesting entity is blank",
                        () -> new Attestation("", "l", YearMonth.of(2024, 6), List.of(), "Ana", AT)),
                refused(
                        "attestation's licence is blank",
                        () -> new Attestation("e", "", YearMonth.of(2024, 6), List.of(), "Ana", AT)),
                refused(
                        "attestation's signatory is blank",
                        () -> new Attestation("e", "l", YearMonth.of(2024, 6), List.of(), "", AT)),
                refused("accepted licence is blank", () -> new Acceptance("", "Ana", AT)),
                refused("accepting person is blank", () -> new Acceptance("l", "", AT)),
                refused("grant's id is blank", () -> grant("", "acme", hash, null, licences, uses)),
                refused("grant's licensee is blank", () -> grant("g", "", hash, null, licences, uses)),
                refused("grant g has no SHA-256 of its document", () -> grant("g", "a", "A", null, licences, uses)),
                refused("grant g names no licence or no use", () -> grant("g", "a", hash, null, Set.of(), uses)),
                refused("grant g names no licence or no use", () -> grant("g", "a", hash, null, licences, Set.of())),
                refused(
                        "grant g ends on 2025-12-31, before its date 2026-01-01",
                        () -> grant("g", "a", hash, DAY.minusDays(1), licences, uses)),
                refused(
                        "grant g ends on +999999999-12-31; leave out a last day that never comes",
                        () -> grant("g", "a", hash, LocalDate.MAX, licences, uses)),
                refused("litigation's licence is blank", () -> new Litigation("", DAY, "C-1")),
                refused("litigation's reference is blank", () -> new Litigation("l", DAY, "")),
                refused("terminated licence is blank", () -> new Termination("", AT, "breach", null)),
                refused("termination's cause is blank", () -> new Termination("l", AT, "", null)),
                refused(
                        "licence l is reinstated before it is terminated",
                        () -> new Termination("l", AT, "breach", AT.minusNanos(1))),
                refused("licensee's id is blank", () -> Licensee.builder("").build()),
                refused(
                        "domicile \"chile\" is not an ISO 3166-1 alpha-2 code, such as CL",
                        () -> Licensee.builder("a").domicile("chile").build()),
                refused(
                        "principal place of business \"cl\" is not an ISO 3166-1 alpha-2 code, such as CL",
                        () -> Licensee.builder("a").principalPlace("cl").build()),
                refused("territory \"cl\" is not an ISO 3166-1 alpha-2 code, such as CL", () -> Territory.of("cl")),
                refused(
                        "a territory is either worldwide or a list of countries, not worldwide=true with 1 countries",
                        () -> new Territory(true, Set.of("CL"))),
                refused(
                        "a territory is either worldwide or a list of countries, not worldwide=false with 0 countries",
                        () -> Territory.of()),
                refused("model's id is blank", () -> new Model("", "m", Set.of(), List.of(), false)),
                refused("model's name is blank", () -> new Model("m", "", Set.of(), List.of(), false)),
                refused("parent's id is blank", () -> new Model.Parent("", Model.Relation.WEIGHTS)),
                refused("lineage's subject is blank", () -> new Lineage("", List.of())),
                refused("licence id is blank", () -> new LicenceVersion("", "n", DAY, List.of())),
                refused("licence name is blank", () -> new LicenceVersion("l", "", DAY, List.of())));
    }

    private static Arguments refused(String message, ThrowingCallable built) {
        return Arguments.of(message, built);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void isRefusedWithTheReason(String message, ThrowingCallable built) {
        assertThatIllegalArgumentException().isThrownBy(built).withMessage(message);
    }

    @Test
    void edgesAreAccepted() {
        LicenceGrant oneDay = grant("g", "a", "0123456789abcdef".repeat(4), DAY, Set.of("l"), Set.of(Use.INFER));
        Termination atOnce = new Termination("l", AT, "mistake", AT);

        assertThat(oneDay.from()).isEqualTo("2026-01-01T00:00:00Z");
        assertThat(oneDay.until()).isEqualTo("2026-01-02T00:00:00Z");
        assertThat(atOnce.holds(AT)).isFalse();
        assertThat(Figure.product("app", 0).monthlyActiveUsers()).isZero();
    }

    @Test
    void aGrantWithoutEndCanBeRevoked() {
        LicenceGrant grant = Facts.grant("g", "a", "l");
        LicenceGrant revoked = new LicenceGrant(
                "g", "a", grant.documentSha256(), DAY, null, AT, Set.of("l"), Set.of(Use.INFER), grant.territory());

        assertThat(grant.until()).isEqualTo(Instant.MAX);
        assertThat(revoked.until()).isEqualTo(AT);
    }

    @Test
    void listsAreCopies() {
        List<Figure> figures = new ArrayList<>(List.of(Figure.product("app", 5)));
        Attestation attestation = new Attestation("e", "l", YearMonth.of(2024, 6), figures, "Ana", AT);

        figures.clear();

        assertThat(attestation.monthlyActiveUsers()).isEqualTo(5);
    }
}
