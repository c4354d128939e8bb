package io.altiplano.scheduler;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/**
 * The module's rows, top to bottom; a package imports only lower rows, and packages in one row never import each other.
 *
 * <pre>
 * 1  app
 * 2  topology
 * 3  core
 * 4  queue  placement  lease
 * 5  fleet
 * </pre>
 */
@AnalyzeClasses(packages = "io.altiplano.scheduler", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String ROOT = "io.altiplano.scheduler.";

    @ArchTest
    static final ArchRule rows = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("app")
            .definedBy(ROOT + "app..")
            .layer("topology")
            .definedBy(ROOT + "topology..")
            .layer("core")
            .definedBy(ROOT + "core..")
            .layer("queue")
            .definedBy(ROOT + "queue..")
            .layer("placement")
            .definedBy(ROOT + "placement..")
            .layer("lease")
            .definedBy(ROOT + "lease..")
            .layer("fleet")
            .definedBy(ROOT + "fleet..")
            .whereLayer("app")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("topology")
            .mayOnlyBeAccessedByLayers("app")
            .whereLayer("core")
            .mayOnlyBeAccessedByLayers("app", "topology")
            .whereLayer("queue")
            .mayOnlyBeAccessedByLayers("app", "topology", "core")
            .whereLayer("placement")
            .mayOnlyBeAccessedByLayers("app", "topology", "core")
            .whereLayer("lease")
            .mayOnlyBeAccessedByLayers("app", "topology", "core")
            .whereLayer("fleet")
            .mayOnlyBeAccessedByLayers("app", "topology", "core", "queue", "placement", "lease");

    @ArchTest
    static final ArchRule theCoreKnowsTheJdkAndContractsAlone = classes()
            .that()
            .resideInAnyPackage(
                    ROOT + "core..", ROOT + "queue..", ROOT + "placement..", ROOT + "lease..", ROOT + "fleet..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "java..",
                    "io.altiplano.contracts..",
                    "com.google.protobuf..",
                    "org.jspecify..",
                    ROOT + "core..",
                    ROOT + "queue..",
                    ROOT + "placement..",
                    ROOT + "lease..",
                    ROOT + "fleet..");

    @ArchTest
    static final ArchRule theCoreIsGivenTimeAndChance = noClasses()
            .that()
            .resideInAnyPackage(
                    ROOT + "core..", ROOT + "queue..", ROOT + "placement..", ROOT + "lease..", ROOT + "fleet..")
            .should()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .dependOnClassesThat()
            .haveFullyQualifiedName("java.time.Clock")
            .orShould()
            .dependOnClassesThat()
            .resideInAnyPackage("java.util.random..", "java.io..", "java.nio..", "java.net..");

    @ArchTest
    static final ArchRule onlyTheShellKnowsKafka = noClasses()
            .that()
            .resideOutsideOfPackages(ROOT + "topology..", ROOT + "app..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.kafka..");

    @ArchTest
    static final ArchRule servicesNeverKnowEachOther = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.altiplano.gateway..", "io.altiplano.worker..", "io.altiplano.stack..");
}
