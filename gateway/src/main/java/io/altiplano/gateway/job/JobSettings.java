package io.altiplano.gateway.job;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** {@code altiplano.job.*}: how long things may take on the way to Kafka and back. */
@ConfigMapping(prefix = "altiplano.job")
public interface JobSettings {
    /** Term of the reply lease in PostgreSQL; renewed at a third of it. */
    @WithDefault("PT15S")
    Duration replyLeaseTerm();

    /** A gateway that is not heard of for so long, and then is seen silent for as long again, is dead: its jobs are called back. */
    @WithDefault("PT15S")
    Duration gatewaySilence();

    /** How long a submission may take to be acknowledged by Kafka before the client is told to come back. */
    @WithDefault("PT5S")
    Duration submitTimeout();

    /** Longest life of a job's stream; then it is cancelled. */
    @WithDefault("PT10M")
    Duration longest();

    /** Tokens that a reader may leave unread before it loses the stream. */
    @WithDefault("8192")
    int unreadTokens();

    /** How long the gateway, asked to stop, goes on taking requests while it says that it is not ready any more. */
    @WithDefault("PT3S")
    Duration farewell();

    /** How long open streams may go on after the gateway was asked to stop. */
    @WithDefault("PT20S")
    Duration drain();

    /** How long a whole answer is remembered for a worker lost right behind it; and a job that was refused although it may be queued. */
    @WithDefault("PT60S")
    Duration remembered();

    /** How long a gateway that is not heard of keeps a request with an Idempotency-Key before another takes it over. */
    @WithDefault("PT10S")
    Duration idempotentTerm();
}
