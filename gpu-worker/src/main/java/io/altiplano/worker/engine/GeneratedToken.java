package io.altiplano.worker.engine;

import io.altiplano.worker.sampling.TokenLogprobs;
import org.jspecify.annotations.Nullable;

/**
 * One token of an answer.
 *
 * @param id token id
 * @param logprobs null unless asked for
 */
public record GeneratedToken(int id, @Nullable TokenLogprobs logprobs) {}
