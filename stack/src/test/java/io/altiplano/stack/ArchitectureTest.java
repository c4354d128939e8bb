package io.altiplano.stack;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The module's rows, top to bottom: cli, bench, platform, infra. */
@AnalyzeClasses(packages = "io.altiplano", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule rows = layeredArchitecture()
            .consideringOnlyDependenciesInAnyPackage("io.altiplano.stack..")
            .layer("cli")
            .definedBy("io.altiplano.stack.cli..")
            .layer("bench")
            .definedBy("io.altiplano.stack.bench..")
            .layer("platform")
            .definedBy("io.altiplano.stack.platform..")
            .layer("infra")
            .definedBy("io.altiplano.stack.infra..")
            .whereLayer("cli")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("bench")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("platform")
            .mayOnlyBeAccessedByLayers("cli", "bench")
            .whereLayer("infra")
            .mayOnlyBeAccessedByLayers("cli", "bench", "platform");

    @ArchTest
    static final ArchRule servicesRunAsProcesses = noClasses()
            .that()
            .resideInAPackage("io.altiplano.stack..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.altiplano.gateway..", "io.altiplano.scheduler..", "io.altiplano.worker..");

    @ArchTest
    static final ArchRule sqlOnlyWhereServersAre = noClasses()
            .that()
            .resideOutsideOfPackages("io.altiplano.stack.infra..", "io.altiplano.stack.platform..")
            .and()
            .doNotHaveFullyQualifiedName("io.altiplano.stack.cli.Start")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("java.sql..");
}
