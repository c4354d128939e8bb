package io.altiplano.helm;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What tests look up in rendered manifests. */
final class Manifests {
    private Manifests() {}

    static <T extends HasMetadata> T named(List<HasMetadata> objects, Class<T> kind, String name) {
        return Chart.of(objects, kind)
                .filter(o -> o.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + kind.getSimpleName() + " " + name));
    }

    static Stream<PodTemplateSpec> templates(List<HasMetadata> objects, boolean jobs) {
        Stream<PodTemplateSpec> services = Stream.concat(
                Chart.of(objects, Deployment.class).map(d -> d.getSpec().getTemplate()),
                Chart.of(objects, StatefulSet.class).map(s -> s.getSpec().getTemplate()));
        Stream<PodTemplateSpec> once =
                Chart.of(objects, Job.class).map(j -> j.getSpec().getTemplate());
        return jobs ? Stream.concat(services, once) : services;
    }

    /** Pods that stay. */
    static List<PodSpec> services(List<HasMetadata> objects) {
        return templates(objects, false).map(PodTemplateSpec::getSpec).toList();
    }

    static List<PodSpec> pods(List<HasMetadata> objects) {
        return templates(objects, true).map(PodTemplateSpec::getSpec).toList();
    }

    static Stream<Container> containers(List<HasMetadata> objects) {
        return pods(objects).stream().flatMap(p -> p.getContainers().stream());
    }

    static Container only(StatefulSet set) {
        return only(set.getSpec().getTemplate());
    }

    static Container only(Deployment deployment) {
        return only(deployment.getSpec().getTemplate());
    }

    static Container only(PodTemplateSpec template) {
        List<Container> containers = template.getSpec().getContainers();
        assertThat(containers).hasSize(1);
        return containers.getFirst();
    }

    static Map<String, EnvVar> env(Container container) {
        return container.getEnv().stream().collect(Collectors.toMap(EnvVar::getName, Function.identity()));
    }

    static Map<String, String> values(Map<String, EnvVar> env) {
        Map<String, String> values = new TreeMap<>();
        env.forEach((name, e) -> {
            if (e.getValue() != null) {
                values.put(name, e.getValue());
            }
        });
        return values;
    }

    static Map<String, String> secrets(Map<String, EnvVar> env) {
        Map<String, String> secrets = new TreeMap<>();
        env.forEach((name, e) -> {
            if (e.getValueFrom() != null && e.getValueFrom().getSecretKeyRef() != null) {
                var ref = e.getValueFrom().getSecretKeyRef();
                secrets.put(name, ref.getName() + "/" + ref.getKey());
            }
        });
        return secrets;
    }

    static String field(Map<String, EnvVar> env, String name) {
        EnvVar variable = Objects.requireNonNull(env.get(name), name);
        return variable.getValueFrom().getFieldRef().getFieldPath();
    }

    static String path(Probe probe) {
        return probe.getHttpGet().getPath();
    }

    static String claim(StatefulSet set) {
        return set.getSpec().getTemplate().getSpec().getVolumes().stream()
                .filter(v -> v.getPersistentVolumeClaim() != null)
                .map(v -> v.getPersistentVolumeClaim().getClaimName())
                .findFirst()
                .orElse("none");
    }
}
