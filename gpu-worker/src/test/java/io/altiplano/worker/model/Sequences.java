package io.altiplano.worker.model;

import io.altiplano.worker.kvcache.KvStorage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Runs single sequences through a model, holding blocks in any order asked for. */
final class Sequences {
    private final LlamaModel model;
    private final KvStorage kv;
    private int[] table;
    private @Nullable LoraAdapter adapter;
    private int from;

    Sequences(LlamaModel model, int blocks) {
        this.model = model;
        this.kv = model.newKvStorage(blocks);
        this.table = new int[blocks];
        Arrays.setAll(table, i -> i);
    }

    KvStorage kv() {
        return kv;
    }

    Sequences blocks(int... blockTable) {
        table = blockTable.clone();
        return this;
    }

    Sequences adapted(LoraAdapter lora) {
        adapter = lora;
        return this;
    }

    /** Keys and values of the positions before this one are there. */
    Sequences from(int position) {
        from = position;
        return this;
    }

    /** Prefills the tokens in chunks of {@code chunk} and returns the logits at {@code wanted} positions (ascending). */
    float[][] prefill(int[] tokens, int[] wanted, int chunk) {
        float[][] all = new float[wanted.length][model.config().vocabulary()];
        int done = 0;
        for (int from = this.from; from < tokens.length; from += chunk) {
            int count = Math.min(chunk, tokens.length - from);
            int begin = from;
            int[] rows = Arrays.stream(wanted)
                    .filter(p -> p >= begin && p < begin + count)
                    .map(p -> p - begin)
                    .toArray();
            int[] positions = new int[count];
            Arrays.setAll(positions, i -> begin + i);
            ForwardBatch batch = new ForwardBatch(
                    Arrays.copyOfRange(tokens, from, from + count),
                    positions,
                    new int[count],
                    new int[][] {table},
                    new LoraAdapter[] {adapter},
                    rows);
            model.forward(batch, kv, Arrays.copyOfRange(all, done, done + rows.length));
            done += rows.length;
        }
        return all;
    }
}
