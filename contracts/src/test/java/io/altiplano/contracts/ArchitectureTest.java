package io.altiplano.contracts;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/**
 * The module's rows:
 *
 * <pre>
 * 1  contracts     codec, topics, ids
 * 2  contracts.v1  generated messages
 * </pre>
 *
 * Every service stands on this module, so it knows none of them, nor their frameworks.
 */
@AnalyzeClasses(packages = "io.altiplano.contracts", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule onlyTheJdkProtobufAndKafkasClients = classes()
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "java..",
                    "com.google.protobuf..",
                    "org.apache.kafka.common..",
                    "org.jspecify..",
                    "io.altiplano.contracts..");

    @ArchTest
    static final ArchRule messagesKnowNothingAboveThem = noClasses()
            .that()
            .resideInAPackage("io.altiplano.contracts.v1..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.altiplano.contracts");
}
