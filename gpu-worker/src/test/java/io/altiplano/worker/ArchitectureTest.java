package io.altiplano.worker;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The module's rows, top to bottom: a package imports lower rows alone, and packages in one row never import each other. A
 * new dependency is an edit of this table.
 */
@AnalyzeClasses(packages = "io.altiplano.worker", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String ROOT = "io.altiplano.worker.";

    private static final List<List<String>> ROWS = List.of(
            List.of("app"),
            List.of("agent"),
            List.of("engine"),
            List.of("batch", "model", "sampling"),
            List.of("kvcache", "weights", "collective"),
            List.of("kernel.nativecpu"),
            List.of("kernel.reference", "kernel.cpu"),
            List.of("kernel"),
            List.of("tensor"));

    @ArchTest
    static final ArchRule PACKAGES_IMPORT_LOWER_ROWS_ALONE =
            ArchRuleDefinition.classes().that().resideInAPackage(ROOT + "*..").should(importLowerRowsAlone());

    @ArchTest
    static final ArchRule ONLY_APP_SEES_KERNEL_BACKENDS = noClasses()
            .that()
            .resideOutsideOfPackages(
                    ROOT + "app", ROOT + "kernel.reference", ROOT + "kernel.cpu", ROOT + "kernel.nativecpu")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ROOT + "kernel.reference..", ROOT + "kernel.cpu..", ROOT + "kernel.nativecpu..");

    @ArchTest
    static final ArchRule ONLY_THE_AGENT_USES_KAFKA = noClasses()
            .that()
            .resideOutsideOfPackage(ROOT + "agent")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.kafka..");

    @ArchTest
    static final ArchRule ONLY_APP_KNOWS_THE_FRAMEWORK = noClasses()
            .that()
            .resideOutsideOfPackage(ROOT + "app")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.quarkus..", "jakarta..", "io.micrometer..", "org.eclipse.microprofile..", "picocli..");

    @ArchTest
    static final ArchRule NOBODY_CALLS_ANOTHER_SERVICE = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.altiplano.gateway..", "io.altiplano.scheduler..", "io.altiplano.licensing..");

    @Test
    void every_package_has_a_row() {
        assertThat(row("io.altiplano.worker.engine")).isEqualTo(2);
        assertThat(row("io.altiplano.worker.kernel.cpu")).isEqualTo(6);
        assertThat(row("io.altiplano.worker.unheard")).isEqualTo(-1);
    }

    private static ArchCondition<JavaClass> importLowerRowsAlone() {
        return new ArchCondition<>("import lower rows alone") {
            @Override
            public void check(JavaClass from, ConditionEvents events) {
                int own = row(from.getPackageName());
                if (own < 0) {
                    events.add(SimpleConditionEvent.violated(from, from.getPackageName() + " stands in no row"));
                }
                from.getDirectDependenciesFromSelf().stream()
                        .filter(d -> d.getTargetClass().getPackageName().startsWith(ROOT))
                        .filter(d -> !d.getTargetClass().getPackageName().equals(from.getPackageName()))
                        .filter(d -> row(d.getTargetClass().getPackageName()) <= own)
                        .forEach(d -> events.add(SimpleConditionEvent.violated(from, d.getDescription())));
            }
        };
    }

    /** The row of a package, by its longest name in the table; -1 for none. */
    private static int row(String packageName) {
        int found = -1;
        int length = 0;
        for (int row = 0; row < ROWS.size(); row++) {
            for (String name : ROWS.get(row)) {
                boolean inside = packageName.equals(ROOT + name) || packageName.startsWith(ROOT + name + ".");
                if (inside && name.length() > length) {
                    found = row;
                    length = name.length();
                }
            }
        }
        return found;
    }
}
