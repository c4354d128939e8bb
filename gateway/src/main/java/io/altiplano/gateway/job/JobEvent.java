package io.altiplano.gateway.job;

import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import java.util.List;

/** What a job's stream tells its reader, in order: any number of {@link Delta}, then exactly one of the others. */
public sealed interface JobEvent {
    /**
     * More of the answer. Text may lag behind the tokens (a character or a stop string may be incomplete), so either
     * may be empty.
     */
    record Delta(List<TokenOut> tokens, String text) implements JobEvent {}

    /** The answer is whole: OpenAI's finish reason, and the worker's counts. */
    record Completed(String finishReason, Usage usage) implements JobEvent {}

    /** There will be no more: the platform failed or cancelled the job. The message may be shown to the client. */
    record Failed(String code, String message) implements JobEvent {}
}
