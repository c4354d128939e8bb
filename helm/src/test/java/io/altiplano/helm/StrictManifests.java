package io.altiplano.helm;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads manifests as Kubernetes objects and refuses what the types do not know. The model's classes put an unknown field, a
 * misspelt one say, into {@code additionalProperties}, at any depth; here each such field is an error with its path.
 */
final class StrictManifests {
    private static final Pattern SEPARATOR = Pattern.compile("(?m)^---\\s*$");

    private StrictManifests() {}

    /**
     * The objects of a stream of YAML documents.
     *
     * @throws IllegalArgumentException if a document is no known kind, or a field is unknown
     */
    static List<HasMetadata> parse(String yaml) {
        KubernetesSerialization serialization = new KubernetesSerialization();
        List<HasMetadata> objects = new ArrayList<>();
        for (String document : SEPARATOR.splitAsStream(yaml).toList()) {
            if (document.lines().allMatch(line -> line.isBlank() || line.startsWith("#"))) {
                continue;
            }
            Object object = serialization.unmarshal(document);
            if (!(object instanceof HasMetadata known) || object instanceof GenericKubernetesResource) {
                throw new IllegalArgumentException("no known kind of object: " + document);
            }
            List<String> unknown = new ArrayList<>();
            walk(known, known.getKind() + "/" + known.getMetadata().getName(), unknown);
            if (!unknown.isEmpty()) {
                throw new IllegalArgumentException("unknown fields: " + String.join(", ", unknown));
            }
            objects.add(known);
        }
        return objects;
    }

    private static void walk(@Nullable Object value, String path, List<String> unknown) {
        switch (value) {
            case Collection<?> list -> {
                int i = 0;
                for (Object item : list) {
                    walk(item, path + "[" + i++ + "]", unknown);
                }
            }
            case Map<?, ?> map -> map.forEach((key, item) -> walk(item, path + "." + key, unknown));
            case null -> {}
            default -> {
                if (value.getClass().getName().startsWith("io.fabric8.kubernetes.api.model")) {
                    fields(value, path, unknown);
                }
            }
        }
    }

    private static void fields(Object value, String path, List<String> unknown) {
        for (Method getter : value.getClass().getMethods()) {
            boolean plain = getter.getName().startsWith("get")
                    && getter.getParameterCount() == 0
                    && !Modifier.isStatic(getter.getModifiers())
                    && getter.getDeclaringClass() != Object.class;
            if (!plain) {
                continue;
            }
            Object content = call(getter, value);
            if (getter.getName().equals("getAdditionalProperties")) {
                ((Map<?, ?>) content).keySet().forEach(field -> unknown.add(path + "." + field));
            } else {
                walk(content, path + "." + getter.getName().substring(3), unknown);
            }
        }
    }

    private static Object call(Method getter, Object value) {
        try {
            return getter.invoke(value);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("cannot read " + getter, e);
        }
    }
}
