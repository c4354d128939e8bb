package io.altiplano.worker.agent;

import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.TokenLogprob;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.worker.engine.Ending;
import io.altiplano.worker.engine.GeneratedToken;
import io.altiplano.worker.engine.Progress;
import io.altiplano.worker.sampling.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;

/**
 * From an answer's progress to reply deltas. Read token by token, each progress is a delta. Read as a whole, the deltas come
 * at the end: one, or several where log-probabilities would make one too large for a Kafka record. For the engine's thread.
 */
final class ReplyStream {
    /** A token with 20 alternatives takes about 200 bytes; a record may have a million. */
    private static final int MOST_TOKENS_WITH_LOGPROBS = 2_000;

    private static final int MOST_TOKENS = 60_000;

    private final String jobId;
    private final int epoch;
    private final ReplyAddress address;
    private final boolean stream;
    private final List<TokenOut> tokens = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private int firstIndex = -1;
    private int firstOffset = -1;

    ReplyStream(String jobId, int epoch, ReplyAddress address, boolean stream) {
        this.jobId = jobId;
        this.epoch = epoch;
        this.address = address;
        this.stream = stream;
    }

    int partition() {
        return address.getPartition();
    }

    /** The deltas to send now, in order. A whole answer's last delta carries its ending. */
    List<ReplyDelta> deltas(Progress progress) {
        if (stream) {
            ReplyDelta.Builder delta = delta(progress.index(), progress.textOffset())
                    .addAllTokens(
                            progress.tokens().stream().map(ReplyStream::token).toList())
                    .setText(progress.text());
            return List.of(finish(delta, progress).build());
        }
        if (firstIndex < 0) {
            firstIndex = progress.index();
            firstOffset = progress.textOffset();
        }
        progress.tokens().forEach(t -> tokens.add(token(t)));
        text.append(progress.text());
        return progress.ending() == null ? List.of() : whole(progress);
    }

    private List<ReplyDelta> whole(Progress progress) {
        boolean large = tokens.stream().anyMatch(t -> t.getTopCount() > 0);
        int most = large ? MOST_TOKENS_WITH_LOGPROBS : MOST_TOKENS;
        List<ReplyDelta> deltas = new ArrayList<>();
        int from = 0;
        while (tokens.size() - from > most) {
            deltas.add(delta(firstIndex + from, firstOffset)
                    .addAllTokens(tokens.subList(from, from + most))
                    .build());
            from += most;
        }
        ReplyDelta.Builder last = delta(firstIndex + from, firstOffset)
                .addAllTokens(tokens.subList(from, tokens.size()))
                .setText(text.toString());
        deltas.add(finish(last, progress).build());
        return deltas;
    }

    private ReplyDelta.Builder delta(int index, int textOffset) {
        return ReplyDelta.newBuilder()
                .setJobId(jobId)
                .setEpoch(epoch)
                .setNonce(address.getNonce())
                .setIndex(index)
                .setTextOffset(textOffset);
    }

    private static ReplyDelta.Builder finish(ReplyDelta.Builder delta, Progress progress) {
        Ending ending = progress.ending();
        if (ending != null) {
            delta.setLast(true).setFinishReason(finishReason(ending)).setUsage(usage(ending));
        }
        return delta;
    }

    /** OpenAI's word for a whole answer's end. */
    static String finishReason(Ending ending) {
        return switch (ending.reason()) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case CANCELLED, FAULTED -> "";
        };
    }

    static Usage usage(Ending ending) {
        return Usage.newBuilder()
                .setPromptTokens(ending.promptTokens())
                .setCompletionTokens(ending.completionTokens())
                .setCachedTokens(ending.cachedTokens())
                .build();
    }

    private static TokenOut token(GeneratedToken generated) {
        TokenOut.Builder token = TokenOut.newBuilder().setId(generated.id());
        TokenLogprobs logprobs = generated.logprobs();
        if (logprobs != null) {
            token.setLogprob(logprobs.chosen());
            for (int i = 0; i < logprobs.topIds().length; i++) {
                token.addTop(
                        TokenLogprob.newBuilder().setId(logprobs.topIds()[i]).setLogprob(logprobs.topLogprobs()[i]));
            }
        }
        return token.build();
    }
}
