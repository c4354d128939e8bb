package io.altiplano.licensing;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A model with all that it was made from: a directed graph, given as a flat list as a catalog holds it.
 *
 * <p>What the engine needs of the graph is worked out once, here, so that one lineage serves many decisions. A graph that is not
 * sound (a missing parent, a circle, a base model without a licence) can be built, and is denied by the engine with reasons.
 * Immutable; equal if subject and models are.
 */
public final class Lineage {
    private final String subject;
    private final Set<Model> models;
    private final List<String> faults = new ArrayList<>();
    /** Ancestors and the subject, parents first, so far as the graph is sound. */
    private final List<Model> ordered;
    /** Licences a model stands under, its own and its parents'. */
    private final Map<String, Set<String>> standsUnder = new HashMap<>();
    /** Of these, the ones that reach it through weights alone. */
    private final Map<String, Set<String>> byWeights = new HashMap<>();
    /** Models without weights of others in which a model's weights began. */
    private final Map<String, Set<Model>> weightRoots = new HashMap<>();
    /** Licence to the first model that stands under it, but did not begin in its materials' weights alone. */
    private final Map<String, Model> outsiders = new HashMap<>();

    private final Set<String> multimodal = new TreeSet<>();
    private final List<String> licences;

    /**
     * A model and whatever models its ancestors are among.
     *
     * @param subject id of the model that a request is about
     * @param models the subject, all its ancestors, possibly more; in any order
     * @throws IllegalArgumentException if two models have one id
     */
    public Lineage(String subject, Collection<Model> models) {
        Checks.text("lineage's subject", subject);
        this.subject = subject;
        this.models = Set.copyOf(models);
        Map<String, Model> byId = new HashMap<>();
        for (Model model : this.models) {
            if (byId.put(model.id(), model) != null) {
                throw new IllegalArgumentException("lineage of " + subject + " has two models " + model.id());
            }
        }
        this.ordered = order(ancestors(byId));
        this.ordered.forEach(this::inherit);
        Set<String> collected = new LinkedHashSet<>();
        this.ordered.forEach(m -> collected.addAll(new TreeSet<>(m.licences())));
        this.licences = List.copyOf(collected);
    }

    /** A base model of text alone. */
    public static Lineage base(String id, String licence) {
        return new Lineage(id, List.of(Model.base(id, licence)));
    }

    /** A model, given last, and its ancestors. */
    public static Lineage of(Model... models) {
        return new Lineage(models[models.length - 1].id(), List.of(models));
    }

    /** Id of the model that a request is about. */
    public String subject() {
        return subject;
    }

    /** The models as given, in no order. */
    public Set<Model> models() {
        return models;
    }

    /** Ids of the licences that the subject stands under: its roots' first, those of one model in alphabetical order. */
    public List<String> licences() {
        return licences;
    }

    /** What is wrong with the graph, a sentence each; empty if it is sound. */
    List<String> faults() {
        return faults;
    }

    /** Whether a model of the lineage that stands under a licence is multimodal. */
    boolean multimodalUnder(String licence) {
        return multimodal.contains(licence);
    }

    /** The first model that stands under a licence through its parents, but did not begin in that licence's weights alone. */
    @Nullable
    Model outsider(String licence) {
        return outsiders.get(licence);
    }

    /** Whether the subject is a derivative work of a licence's materials, and of nothing else. */
    boolean within(String licence) {
        Set<Model> roots = weightRoots.getOrDefault(subject, Set.of());
        return !roots.isEmpty() && roots.stream().allMatch(r -> isMaterial(r, licence));
    }

    /** The subject if it was made from other models, else null. */
    @Nullable
    Model derivedSubject() {
        Model last = ordered.isEmpty() ? null : ordered.getLast();
        return last != null && last.id().equals(subject) && !last.parents().isEmpty() ? last : null;
    }

    /** Whether a licence reaches the subject through weights, and not through outputs alone. */
    boolean reachesByWeights(String licence) {
        return byWeights.getOrDefault(subject, Set.of()).contains(licence);
    }

    /** The subject and all that it was made from, by id; notes missing ones as faults. */
    private Map<String, Model> ancestors(Map<String, Model> byId) {
        Map<String, Model> found = new TreeMap<>();
        List<String> open = new ArrayList<>(List.of(subject));
        while (!open.isEmpty()) {
            String id = open.removeLast();
            Model model = byId.get(id);
            if (model == null) {
                faults.add("model " + id + " is not known");
            } else if (found.put(id, model) == null) {
                model.parents().forEach(p -> open.add(p.model()));
                if (model.parents().isEmpty() && model.licences().isEmpty()) {
                    faults.add("base model " + id + " stands under no licence");
                }
            }
        }
        return found;
    }

    /** Parents before children, generation by generation, by id inside one; the subject is last in a sound graph. */
    private List<Model> order(Map<String, Model> ancestors) {
        Map<String, Model> waiting = new LinkedHashMap<>(ancestors);
        List<Model> result = new ArrayList<>();
        while (!waiting.isEmpty()) {
            List<Model> generation = waiting.values().stream()
                    .filter(m -> m.parents().stream().noneMatch(p -> waiting.containsKey(p.model())))
                    .toList();
            if (generation.isEmpty()) {
                faults.add("the lineage runs in a circle through " + String.join(", ", waiting.keySet()));
                generation = List.copyOf(waiting.values());
            }
            result.addAll(generation);
            generation.forEach(m -> waiting.remove(m.id()));
        }
        return result;
    }

    private void inherit(Model model) {
        Set<String> inherited = new TreeSet<>();
        Set<String> weights = new TreeSet<>(model.licences());
        Set<Model> roots = new HashSet<>();
        for (Model.Parent parent : model.parents()) {
            inherited.addAll(standsUnder.getOrDefault(parent.model(), Set.of()));
            if (parent.relation() == Model.Relation.WEIGHTS) {
                weights.addAll(byWeights.getOrDefault(parent.model(), Set.of()));
                roots.addAll(weightRoots.getOrDefault(parent.model(), Set.of()));
            }
        }
        if (roots.isEmpty()) {
            roots.add(model);
        }
        for (String licence : inherited) {
            if (!roots.stream().allMatch(r -> isMaterial(r, licence))) {
                outsiders.putIfAbsent(licence, model);
            }
        }
        Set<String> all = new TreeSet<>(inherited);
        all.addAll(model.licences());
        if (model.multimodal()) {
            multimodal.addAll(all);
        }
        standsUnder.put(model.id(), all);
        byWeights.put(model.id(), weights);
        weightRoots.put(model.id(), roots);
    }

    /** A licence's materials are base models under it; a model trained from nothing on outputs is not one. */
    private static boolean isMaterial(Model root, String licence) {
        return root.parents().isEmpty() && root.licences().contains(licence);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Lineage that && subject.equals(that.subject) && models.equals(that.models);
    }

    @Override
    public int hashCode() {
        return Objects.hash(subject, models);
    }

    @Override
    public String toString() {
        return "Lineage[" + subject + " of " + models + "]";
    }
}
