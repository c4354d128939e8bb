package io.altiplano.tokenizer;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** One package, which knows neither the platform's other modules nor a framework. */
@AnalyzeClasses(packages = "io.altiplano", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule STANDS_ALONE = noClasses()
            .that()
            .resideInAPackage("io.altiplano.tokenizer..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.altiplano.contracts..", "io.quarkus..", "jakarta..", "org.apache.kafka..", "java.sql..");

    @ArchTest
    static final ArchRule ONE_JINJA_HOME = noClasses()
            .that()
            .haveNameNotMatching(
                    ".*\\.(ChatTemplate|TemplateLibrary|TemplateBudget|GuardedInterpreter|CountedCollections)(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("com.hubspot..");
}
