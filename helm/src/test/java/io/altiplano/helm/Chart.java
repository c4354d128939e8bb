package io.altiplano.helm;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The chart of this module, rendered by Helm itself. */
final class Chart {
    private static final Path FOLDER = Path.of(System.getProperty("altiplano.root", ".."), "helm", "altiplano");

    private Chart() {}

    /** What `helm lint --strict` says. */
    static LintResult lint() {
        return new Helm(FOLDER).lint().strict().call();
    }

    /**
     * The manifests under some values.
     *
     * @param values as for Helm's `--set`
     * @throws IllegalStateException if Helm refuses, with its message
     */
    static String render(Map<String, String> values) {
        TemplateCommand command = new Helm(FOLDER).template().withName("test").withNamespace("altiplano");
        values.forEach(command::set);
        return command.call();
    }

    /** The manifests under some values, as objects that hold no field that Kubernetes does not know. */
    static List<HasMetadata> objects(Map<String, String> values) {
        return StrictManifests.parse(render(values));
    }

    /** The objects of a kind. */
    static <T extends HasMetadata> List<T> objects(Class<T> kind, Map<String, String> values) {
        return of(objects(values), kind).toList();
    }

    /** The objects of a kind among others. */
    static <T extends HasMetadata> Stream<T> of(List<HasMetadata> objects, Class<T> kind) {
        return objects.stream().filter(kind::isInstance).map(kind::cast);
    }
}
