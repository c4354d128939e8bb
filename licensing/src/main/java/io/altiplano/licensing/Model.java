package io.altiplano.licensing;

import java.util.List;
import java.util.Set;

/**
 * A model of a lineage.
 *
 * @param id the model's id
 * @param name its public name, which the naming rule is about
 * @param licences ids of the licences that it itself stands under; a model with parents stands under all of theirs too
 * @param parents what it was made from; empty for a base model
 * @param multimodal whether it takes or gives more than text
 */
public record Model(String id, String name, Set<String> licences, List<Parent> parents, boolean multimodal) {
    /** How a model was made from another. */
    public enum Relation {
        /** It started from the other's weights. */
        WEIGHTS,
        /** It was trained on the other's outputs. */
        OUTPUTS
    }

    /**
     * One thing that a model was made from.
     *
     * @param model the other model's id
     * @param relation how it was used
     */
    public record Parent(String model, Relation relation) {
        /** Refuses a blank id. */
        public Parent {
            Checks.text("parent's id", model);
        }
    }

    /** Copies the collections. */
    public Model {
        Checks.text("model's id", id);
        Checks.text("model's name", name);
        licences = Set.copyOf(licences);
        parents = List.copyOf(parents);
    }

    /** A base model of text, named as its id. */
    public static Model base(String id, String licence) {
        return new Model(id, id, Set.of(licence), List.of(), false);
    }

    /** A text model, named as its id, that started from the weights of others and stands under their licences alone. */
    public static Model derived(String id, String... from) {
        List<Parent> parents =
                List.of(from).stream().map(p -> new Parent(p, Relation.WEIGHTS)).toList();
        return new Model(id, id, Set.of(), parents, false);
    }
}
