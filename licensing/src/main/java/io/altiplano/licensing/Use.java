package io.altiplano.licensing;

/** What somebody wants to do with a model. */
public enum Use {
    /** Run it and read its answers. */
    INFER,
    /** Make another model from its weights: fine-tune, merge, adapt. */
    DERIVE,
    /** Use it, or its outputs, to improve a language model that is not a derivative of it. */
    IMPROVE_OTHER_MODEL,
    /** Make it available to others under a public name. */
    PUBLISH,
    /** Take its weights off the platform. */
    EXPORT_WEIGHTS
}
