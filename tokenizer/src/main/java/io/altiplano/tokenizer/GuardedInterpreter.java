package io.altiplano.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.InterpreterFactory;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes no list that is small in memory and endless as text: one that holds another twice, which holds another twice. What a value would come
 * to is counted when a variable is set to it, and before it is written or given to a filter.
 */
final class GuardedInterpreter extends JinjavaInterpreter {
    private static final int MOST_PARTS = 1_000_000;

    private GuardedInterpreter(JinjavaInterpreter original) {
        super(original);
    }

    private GuardedInterpreter(Jinjava application, Context context, JinjavaConfig config) {
        super(application, context, config);
    }

    /** For the configuration. */
    static final class Factory implements InterpreterFactory {
        @Override
        public JinjavaInterpreter newInstance(JinjavaInterpreter original) {
            return new GuardedInterpreter(original);
        }

        @Override
        public JinjavaInterpreter newInstance(Jinjava application, Context context, JinjavaConfig config) {
            return new GuardedInterpreter(application, context, config);
        }
    }

    /** A filter of jinjava's, given nothing endless. */
    record Guarded(Filter filter) implements Filter {
        @Override
        public String getName() {
            return filter.getName();
        }

        @Override
        public @Nullable Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... args) {
            requireWritable(value);
            return filter.filter(value, interpreter, args);
        }

        @Override
        public @Nullable Object filter(
                @Nullable Object value, JinjavaInterpreter interpreter, Object[] args, Map<String, Object> named) {
            requireWritable(value);
            for (Object arg : args) {
                requireWritable(arg);
            }
            named.values().forEach(GuardedInterpreter::requireWritable);
            return filter.filter(value, interpreter, args, named);
        }
    }

    @Override
    public String getAsString(@Nullable Object object) {
        requireWritable(object);
        return super.getAsString(object);
    }

    /** After a {@code set}: what a variable, or a namespace with all in it, holds now. */
    static void requireSetWritable(Node node, JinjavaInterpreter interpreter) {
        if (node instanceof TagNode tag && tag.getName().equals("set")) {
            String name = tag.getHelpers().strip().split("[^\\w]", 2)[0];
            requireWritable(interpreter.getContext().get(name));
        }
    }

    private static void requireWritable(@Nullable Object value) {
        if (!(value instanceof Iterable<?>) && !(value instanceof Map<?, ?>)) {
            return;
        }
        Deque<Object> open = new ArrayDeque<>();
        open.push(value);
        for (int parts = 0; !open.isEmpty(); parts++) {
            if (parts > MOST_PARTS) {
                throw new TemplateBudget.SpentError("it makes a list that is endless as text");
            }
            Iterable<?> inside =
                    switch (open.pop()) {
                        case Map<?, ?> map -> map.values();
                        case Iterable<?> list -> list;
                        default -> List.of();
                    };
            for (Object part : inside) {
                if (part instanceof Iterable<?> || part instanceof Map<?, ?>) {
                    open.push(part);
                }
            }
        }
    }
}
