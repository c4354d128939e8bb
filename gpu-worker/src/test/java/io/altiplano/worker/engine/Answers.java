package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Gathers one answer, and checks on the way that indices and offsets follow each other. */
final class Answers implements GenerationListener {
    private final BlockingQueue<Progress> progress = new LinkedBlockingQueue<>();
    private final int firstIndex;
    private final int firstOffset;

    Answers(GenerationRequest request) {
        this.firstIndex = request.relayed().length;
        this.firstOffset = request.relayedTextLength();
    }

    /** An answer as it came. */
    record Answer(List<Integer> tokens, String text, Ending ending, List<GeneratedToken> detailed) {}

    static Answers submit(Engine engine, GenerationRequest request) {
        Answers answers = new Answers(request);
        engine.submit(request, answers);
        return answers;
    }

    static Answer run(Engine engine, GenerationRequest request) throws InterruptedException {
        return submit(engine, request).await();
    }

    @Override
    public void progressed(Progress one) {
        progress.add(one);
    }

    /** The next progress. */
    Progress next() throws InterruptedException {
        Progress next = progress.poll(60, TimeUnit.SECONDS);
        assertThat(next).as("progress within a minute").isNotNull();
        return Objects.requireNonNull(next);
    }

    Answer await() throws InterruptedException {
        List<GeneratedToken> tokens = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        @Nullable Ending ending = null;
        while (ending == null) {
            Progress next = next();
            assertThat(next.index()).isEqualTo(firstIndex + tokens.size());
            assertThat(next.textOffset()).isEqualTo(firstOffset + text.length());
            tokens.addAll(next.tokens());
            text.append(next.text());
            ending = next.ending();
        }
        assertThat(progress).as("nothing after the end").isEmpty();
        return new Answer(tokens.stream().map(GeneratedToken::id).toList(), text.toString(), ending, tokens);
    }
}
