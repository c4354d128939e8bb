package io.altiplano.gateway.licence;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.licence.AttestationRecord.Line;
import io.altiplano.gateway.licence.GroupFigure.GroupLine;
import io.altiplano.licensing.Figure;
import java.time.Instant;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GroupFigureTest {
    @Test
    void whatDifferentEntitiesStateOfThemselvesAddsUp() {
        long figure = GroupFigure.of(
                List.of(product("a", "CL-1A", "Chat", 400_000_000), product("b", "CL-2B", "Chat", 300_000_001)));

        assertThat(figure).isEqualTo(700_000_001);
    }

    @Test
    void aProductThatTwoAccountsOfOneEntityStateCountsOnceByTheLarger() {
        long figure = GroupFigure.of(List.of(
                product("a", "CL-1A", "Chat", 400),
                product("b", "CL-1A", " chat ", 300),
                product("b", "CL-1A", "Mail", 7)));

        assertThat(figure).isEqualTo(407);
    }

    @Test
    void anAffiliateThatIsATenantTooCountsOnceByTheLarger() {
        long larger = GroupFigure.of(List.of(
                product("a", "CL-1A", "Chat", 5),
                affiliate("a", "CL-1A", "B", "CL-2B", 90),
                product("b", "CL-2B", "X", 70)));
        long smaller = GroupFigure.of(List.of(
                product("a", "CL-1A", "Chat", 5),
                affiliate("a", "CL-1A", "B", "CL-2B", 50),
                product("b", "CL-2B", "X", 70)));

        assertThat(larger).isEqualTo(95);
        assertThat(smaller).isEqualTo(75);
    }

    @Test
    void anAffiliateThatSeveralStateCountsOnce() {
        long figure = GroupFigure.of(List.of(
                affiliate("a", "CL-1A", "Sub", "CL-9Z", 10),
                affiliate("b", "CL-2B", "Subsidiary", "CL-9Z", 30),
                affiliate("a", "CL-1A", "Nameless", null, 4),
                affiliate("b", "CL-2B", "NAMELESS", null, 3)));

        assertThat(figure).isEqualTo(34);
    }

    @Test
    void tenantsWithoutANumberAreEntitiesOfTheirOwn() {
        long figure = GroupFigure.of(List.of(product("a", null, "Chat", 5), product("b", null, "Chat", 6)));

        assertThat(figure).isEqualTo(11);
    }

    @Test
    void aSumThatOverflowsNeverPasses() {
        long figure = GroupFigure.of(
                List.of(product("a", "CL-1A", "Chat", Long.MAX_VALUE), product("b", "CL-2B", "Chat", Long.MAX_VALUE)));

        assertThat(figure).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void anotherLineNeverMakesItSmallerAndTheOrderNeverMatters() {
        Random random = new Random(5);
        for (int round = 0; round < 500; round++) {
            List<GroupLine> lines = new ArrayList<>();
            long before = 0;
            for (int i = 0; i < 8; i++) {
                String entity = "CL-" + random.nextInt(3) + "A";
                String name = "n" + random.nextInt(3);
                long users = random.nextInt(1000);
                lines.add(
                        random.nextBoolean()
                                ? product("t" + random.nextInt(4), entity, name, users)
                                : affiliate(
                                        "t",
                                        entity,
                                        name,
                                        random.nextBoolean() ? "CL-" + random.nextInt(5) + "A" : null,
                                        users));
                long after = GroupFigure.of(lines);
                assertThat(after).isGreaterThanOrEqualTo(before);
                before = after;
            }
            List<GroupLine> shuffled = new ArrayList<>(lines);
            java.util.Collections.shuffle(shuffled, random);
            assertThat(GroupFigure.of(shuffled)).isEqualTo(before);
        }
    }

    private static GroupLine product(String member, @Nullable String registration, String name, long users) {
        return line(member, registration, new Line(Figure.Kind.PRODUCT, name, null, users));
    }

    private static GroupLine affiliate(
            String member, @Nullable String registration, String name, @Nullable String itsNumber, long users) {
        return line(member, registration, new Line(Figure.Kind.AFFILIATE, name, itsNumber, users));
    }

    private static GroupLine line(String member, @Nullable String registration, Line line) {
        return new GroupLine("llama-3.1", YearMonth.of(2024, 6), Instant.EPOCH, member, registration, line);
    }
}
