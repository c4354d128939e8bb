package io.altiplano.worker.app;

import io.altiplano.worker.sampling.SamplingParams;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** The options that say how tokens are chosen. */
final class SamplingMixin {
    @Option(names = "--temperature", paramLabel = "T", description = "0 is greedy, the default", defaultValue = "0")
    private float temperature;

    @Option(names = "--top-p", paramLabel = "P", description = "default: ${DEFAULT-VALUE}", defaultValue = "1")
    private float topP;

    @Option(names = "--top-k", paramLabel = "K", description = "0 is all, the default", defaultValue = "0")
    private int topK;

    @Option(names = "--min-p", paramLabel = "P", description = "default: ${DEFAULT-VALUE}", defaultValue = "0")
    private float minP;

    @Option(names = "--presence-penalty", paramLabel = "X", description = "-2 to 2, default 0", defaultValue = "0")
    private float presence;

    @Option(names = "--frequency-penalty", paramLabel = "X", description = "-2 to 2, default 0", defaultValue = "0")
    private float frequency;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "X",
            description = "1 is none, the default",
            defaultValue = "1")
    private float repetition;

    @Option(
            names = "--logit-bias",
            paramLabel = "ID=X",
            description = "added to a token's logit, -100 to 100; may be repeated")
    private Map<Integer, Float> bias = new LinkedHashMap<>();

    @Option(names = "--seed", paramLabel = "N", description = "default: ${DEFAULT-VALUE}", defaultValue = "0")
    private long seed;

    /** Of the answer of this number, from 0. */
    SamplingParams params(int choice) {
        SamplingParams.Penalties penalties = new SamplingParams.Penalties(presence, frequency, repetition);
        return new SamplingParams(temperature, topP, topK, minP, penalties, bias, seed, choice);
    }
}
