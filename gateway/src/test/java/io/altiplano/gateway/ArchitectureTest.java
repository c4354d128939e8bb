package io.altiplano.gateway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.List;
import java.util.Set;

/** The gateway's packages in rows: a package imports only lower rows, and packages in one row never import each other. */
@AnalyzeClasses(packages = "io.altiplano.gateway", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String ROOT = "io.altiplano.gateway";

    private static final List<Set<String>> ROWS = List.of(
            Set.of("dashboard"),
            Set.of("inference", "organization"),
            Set.of("chat"),
            Set.of("policy"),
            Set.of("licence"),
            Set.of("job"),
            Set.of("usage"),
            Set.of("entitlement"),
            Set.of("price"),
            Set.of("catalog", "access"),
            Set.of("tenant"),
            Set.of("approval"),
            Set.of("audit"),
            Set.of("web"),
            Set.of("db"),
            Set.of("config"));

    @ArchTest
    static final ArchRule PACKAGES_IMPORT_ONLY_LOWER_ROWS = classes()
            .should(new ArchCondition<>("import only lower rows") {
                @Override
                public void check(JavaClass from, ConditionEvents events) {
                    for (Dependency dependency : from.getDirectDependenciesFromSelf()) {
                        JavaClass to = dependency.getTargetClass().getBaseComponentType();
                        if (to.getPackageName().startsWith(ROOT) && !allowed(from, to)) {
                            events.add(SimpleConditionEvent.violated(from, dependency.getDescription()));
                        }
                    }
                }
            });

    @ArchTest
    static final ArchRule SQL_IS_IN_STORES_AND_DB_ALONE = noClasses()
            .that(new DescribedPredicate<>("are neither a Store nor in db") {
                @Override
                public boolean test(JavaClass c) {
                    return !outermost(c).getSimpleName().endsWith("Store")
                            && !feature(c).equals("db");
                }
            })
            .should()
            .dependOnClassesThat()
            .resideInAPackage("java.sql..");

    @ArchTest
    static final ArchRule STORES_STAY_IN_THEIR_PACKAGE =
            classes().that().haveSimpleNameEndingWith("Store").should().bePackagePrivate();

    @ArchTest
    static final ArchRule HTTP_IS_IN_RESOURCES_ACCESS_AND_WEB_ALONE = noClasses()
            .that(new DescribedPredicate<>("are no Resource or Page, and not in access or web") {
                @Override
                public boolean test(JavaClass c) {
                    String name = outermost(c).getSimpleName();
                    boolean edge = name.endsWith("Resource") || name.endsWith("Page");
                    return !edge && !Set.of("access", "web").contains(feature(c));
                }
            })
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jakarta.ws.rs..");

    @ArchTest
    static final ArchRule KAFKA_IS_IN_JOB_USAGE_AND_CATALOG_ALONE = noClasses()
            .that(new DescribedPredicate<>("are not in job, usage or catalog") {
                @Override
                public boolean test(JavaClass c) {
                    return !Set.of("job", "usage", "catalog").contains(feature(c));
                }
            })
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.kafka..");

    private static boolean allowed(JavaClass from, JavaClass to) {
        String upper = feature(from);
        String lower = feature(to);
        return upper.equals(lower) || row(upper) < row(lower);
    }

    /** The package below the root, e.g. "licence". */
    private static String feature(JavaClass c) {
        String name = c.getPackageName();
        return name.length() <= ROOT.length()
                ? ""
                : name.substring(ROOT.length() + 1).split("\\.")[0];
    }

    private static int row(String feature) {
        for (int i = 0; i < ROWS.size(); i++) {
            if (ROWS.get(i).contains(feature)) {
                return i;
            }
        }
        throw new AssertionError("package " + feature + " stands in no row: give it its place in ROWS");
    }

    private static JavaClass outermost(JavaClass c) {
        return c.getEnclosingClass().map(ArchitectureTest::outermost).orElse(c);
    }
}
