package io.altiplano.tokenizer;

import com.hubspot.jinjava.el.JinjavaObjectUnwrapper;
import com.hubspot.jinjava.el.ObjectUnwrapper;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.objects.collections.PyList;
import com.hubspot.jinjava.objects.collections.PyMap;
import com.hubspot.jinjava.objects.collections.SizeLimitingPyList;
import com.hubspot.jinjava.objects.collections.SizeLimitingPyMap;
import org.jspecify.annotations.Nullable;

/**
 * What a template reads from a variable, when that is a list or a map: one whose comparisons and hashes are steps of the rendering. Lists that
 * hold another twice, which holds another twice, are small in memory and endless to compare; to nest them so, a template must name them, and
 * what it names comes through here.
 */
final class CountedCollections implements ObjectUnwrapper {
    private final ObjectUnwrapper unwrapper = new JinjavaObjectUnwrapper();

    private static @Nullable Object counted(@Nullable Object value) {
        if (value instanceof CountedList || value instanceof CountedMap) {
            return value;
        }
        // Not what jinjava derives from them: a namespace is known by its class.
        if (value != null && (value.getClass() == PyList.class || value.getClass() == SizeLimitingPyList.class)) {
            return new CountedList((PyList) value);
        }
        if (value != null && (value.getClass() == PyMap.class || value.getClass() == SizeLimitingPyMap.class)) {
            return new CountedMap((PyMap) value);
        }
        return value;
    }

    private static void step() {
        TemplateBudget.step(JinjavaInterpreter.getCurrent());
    }

    /** The same list, so that what is appended here is found there. */
    private static final class CountedList extends SizeLimitingPyList {
        CountedList(PyList list) {
            super(list.toList(), TemplateBudget.LONGEST_LIST);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            step();
            // As Python does, which asks first whether they are one.
            return other == this || (other instanceof PyList list && list.toList() == toList()) || super.equals(other);
        }

        @Override
        public int hashCode() {
            step();
            return super.hashCode();
        }
    }

    /** The same map. */
    private static final class CountedMap extends SizeLimitingPyMap {
        CountedMap(PyMap map) {
            super(map.toMap(), TemplateBudget.LONGEST_LIST);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            step();
            return other == this || (other instanceof PyMap map && map.toMap() == toMap()) || super.equals(other);
        }

        @Override
        public int hashCode() {
            step();
            return super.hashCode();
        }
    }

    /** jinjava asks this for whatever an expression finds under a name, a property or an index. */
    @Override
    public @Nullable Object unwrapObject(@Nullable Object value) {
        return counted(unwrapper.unwrapObject(value));
    }
}
