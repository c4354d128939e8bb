package io.altiplano.worker.engine;

import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.batch.Sequence;
import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.PrefixChain;
import io.altiplano.worker.model.LoraAdapter;
import io.altiplano.worker.sampling.Sampler;
import io.altiplano.worker.sampling.TokenHistory;
import io.altiplano.worker.sampling.TokenLogprobs;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One answer in the making: the sequence, its text, its end. But for {@link #cancel}, which any thread may call, it belongs
 * to the engine's thread.
 */
public final class Generation {
    private final GenerationRequest request;
    private final GenerationListener listener;
    private final Tokenizer tokenizer;
    private final Consumer<Generation> canceller;
    private final AnswerText text;
    private final TokenHistory history;
    private int count;
    /** UTF-16 units of the answer's text that are certain. */
    private int textLength;
    /** Text that the relayed tokens made certain beyond what the client was given; goes out with the next progress. */
    private String backlog = "";

    /** {@link #count} as other threads may see it. */
    private volatile int published;

    private volatile boolean promptRead;
    private boolean ended;

    @Nullable
    Sequence sequence;

    Generation(
            GenerationRequest request,
            GenerationListener listener,
            Tokenizer tokenizer,
            Consumer<Generation> canceller) {
        this.request = request;
        this.listener = listener;
        this.tokenizer = tokenizer;
        this.canceller = canceller;
        this.history = TokenHistory.of(request.prompt());
        this.text = new AnswerText(tokenizer.detokenizer(), request.stop(), request.minTokens());
    }

    /** Ends the answer within a step; does nothing if it has ended. Callable from any thread. */
    public void cancel() {
        canceller.accept(this);
    }

    /** Tokens of the whole answer so far, relayed ones counted. Callable from any thread. */
    public int completionTokens() {
        return published;
    }

    /** Tokens that prompt and answer may come to. */
    int mostTokens() {
        return request.prompt().length + request.maxTokens();
    }

    /**
     * Goes through the relayed tokens as the earlier attempt did, and makes the sequence to go on with; none if the answer
     * turns out to be whole.
     */
    @Nullable
    Sequence begin(BlockPool pool) {
        promptRead = request.relayed().length > 0;
        StringBuilder certain = new StringBuilder();
        Ending.Reason reason = null;
        for (int i = 0; i < request.relayed().length && reason == null; i++) {
            reason = take(request.relayed()[i], certain);
        }
        if (reason != null) {
            deliver(List.of(), certain.toString(), ending(reason, ""));
            return null;
        }
        backlog = beyondRelayed(certain.toString());
        int[] tokens = Arrays.copyOf(request.prompt(), request.prompt().length + request.relayed().length);
        System.arraycopy(request.relayed(), 0, tokens, request.prompt().length, request.relayed().length);
        LoraAdapter adapter = request.adapter();
        PrefixChain chain = request.salt().isEmpty()
                ? null
                : new PrefixChain(request.salt(), adapter == null ? "" : adapter.sha256(), request.labels());
        sequence = new Sequence(tokens, pool, chain, request.yields());
        return sequence;
    }

    /** Whether the model has begun to read the prompt, in this attempt or an earlier one. Callable from any thread. */
    public boolean hasBegun() {
        return promptRead;
    }

    /** The model has begun to read the prompt: from now on it counts. */
    void reading() {
        promptRead = true;
    }

    /** Chooses the next token from logits and tells the listener; true if the answer has ended. */
    boolean step(float[] logits, Sampler sampler) {
        Set<Integer> forbidden = count < request.minTokens() ? tokenizer.eosIds() : Set.of();
        int id = sampler.choose(logits, request.sampling(), history, count, forbidden);
        TokenLogprobs logprobs = request.logprobs() ? TokenLogprobs.of(logits, id, request.topLogprobs()) : null;
        StringBuilder certain = new StringBuilder();
        Ending.Reason reason = take(id, certain);
        if (sequence != null) {
            sequence.append(id);
        }
        deliver(
                List.of(new GeneratedToken(id, logprobs)),
                certain.toString(),
                reason == null ? null : ending(reason, ""));
        return ended;
    }

    /** Ends the answer where it is. */
    void end(Ending.Reason reason, String message) {
        if (!ended) {
            deliver(List.of(), "", ending(reason, message));
        }
    }

    @Nullable
    LoraAdapter adapter() {
        return request.adapter();
    }

    boolean hasEnded() {
        return ended;
    }

    /** Counts a token and adds the text that it makes certain; the reason if it is the last. */
    private Ending.@Nullable Reason take(int id, StringBuilder certain) {
        boolean honoured = count >= request.minTokens();
        count++;
        history.add(id);
        if (honoured && tokenizer.eosIds().contains(id)) {
            certain.append(text.end());
            return Ending.Reason.STOP;
        }
        certain.append(text.add(id));
        if (text.stopped()) {
            return Ending.Reason.STOP;
        }
        if (count == request.maxTokens()) {
            certain.append(text.end());
            return text.stopped() ? Ending.Reason.STOP : Ending.Reason.LENGTH;
        }
        return null;
    }

    private Ending ending(Ending.Reason reason, String message) {
        int prompt = promptRead ? request.prompt().length : 0;
        int cached = sequence == null ? 0 : Math.min(sequence.reused(), prompt);
        return new Ending(reason, prompt, count, cached, message);
    }

    private void deliver(List<GeneratedToken> tokens, String certain, @Nullable Ending ending) {
        ended = ending != null;
        published = count;
        String out = backlog + beyondRelayed(certain);
        backlog = "";
        int offset = Math.max(textLength, request.relayedTextLength()) - out.length();
        listener.progressed(new Progress(count - tokens.size(), tokens, out, offset, ending));
    }

    /** Counts certain text and returns what of it the client was not given by an earlier attempt. */
    private String beyondRelayed(String certain) {
        int known = Math.clamp(request.relayedTextLength() - textLength, 0, certain.length());
        textLength += certain.length();
        return certain.substring(known);
    }
}
