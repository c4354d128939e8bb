package io.altiplano.gateway.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class JobStreamTest {
    private static final int BOUND = 100;
    private static final String ANSWER = "The quick brown fox jumps over the lazy dog and goes home.";

    private final List<String> cancelled = new ArrayList<>();
    private final JobStream stream = stream();

    private JobStream stream() {
        return new JobStream(
                JobId.create(1_700_000_000_000L, new Random(1)),
                "default",
                ReplyAddress.newBuilder().setPartition(3).setNonce(9).build(),
                10,
                BOUND,
                (job, reason) -> cancelled.add(reason));
    }

    /** Characters from..to of the answer, one token a character. */
    private static ReplyDelta.Builder delta(int epoch, int from, int to) {
        ReplyDelta.Builder delta = ReplyDelta.newBuilder()
                .setEpoch(epoch)
                .setIndex(from)
                .setTextOffset(from)
                .setText(ANSWER.substring(from, to));
        ANSWER.substring(from, to)
                .chars()
                .forEach(c -> delta.addTokens(TokenOut.newBuilder().setId(c)));
        return delta;
    }

    private static ReplyDelta.Builder last(int epoch) {
        return delta(epoch, ANSWER.length(), ANSWER.length())
                .setLast(true)
                .setFinishReason("stop")
                .setUsage(Usage.newBuilder().setCompletionTokens(ANSWER.length()));
    }

    private static String text(JobStream stream) {
        StringBuilder text = new StringBuilder();
        for (JobEvent event : stream.drain()) {
            if (event instanceof JobEvent.Delta delta) {
                text.append(delta.text());
            }
        }
        return text.toString();
    }

    @Test
    void aDeltaThatComesTwiceIsTakenOnce() {
        stream.take(delta(1, 0, 5).build());

        JobStream.Taken again = stream.take(delta(1, 0, 5).build());

        assertThat(again).isEqualTo(JobStream.Taken.STALE);
        assertThat(text(stream)).isEqualTo(ANSWER.substring(0, 5));
    }

    @Test
    void aStreamIsRefusedOnlyIfFailureIsTheFirstItTellsAndStaysToBeDrained() throws InterruptedException {
        JobEvent.Failed full = new JobEvent.Failed("queue_full", "2 jobs wait");
        JobStream begun = stream();
        begun.take(delta(1, 0, 5).build());
        begun.fail(full, true);

        assertThat(stream.refusedWithin(Duration.ZERO)).isEmpty();
        stream.fail(full, true);
        assertThat(stream.refusedWithin(Duration.ofSeconds(30))).contains(full);
        assertThat(stream.drain()).containsExactly(full);
        assertThat(begun.refusedWithin(Duration.ofSeconds(30))).isEmpty();
        assertThat(begun.drain()).hasSize(2);
    }

    @Test
    void whatAnAttemptRepeatsIsPassedOver() {
        stream.take(delta(1, 0, 5).build());

        stream.take(delta(1, 3, 9).build());

        assertThat(text(stream)).isEqualTo(ANSWER.substring(0, 9));
        assertThat(stream.relayedTokens()).isEqualTo(9);
    }

    @Test
    void anEarlierAttemptIsNotHeardAfterItsEnd() {
        stream.take(delta(1, 0, 5).build());
        JobRelayed relayed = Objects.requireNonNull(stream.retrying(2));

        JobStream.Taken late = stream.take(delta(1, 5, 9).build());

        assertThat(late).isEqualTo(JobStream.Taken.STALE);
        assertThat(relayed.getRelayedTokensCount()).isEqualTo(5);
        assertThat(relayed.getRelayedTextLength()).isEqualTo(5);
        assertThat(stream.take(delta(2, 5, 9).build())).isEqualTo(JobStream.Taken.YES);
    }

    @Test
    void aMissingDeltaIsAGap() {
        stream.take(delta(1, 0, 5).build());

        assertThat(stream.take(delta(1, 6, 9).build())).isEqualTo(JobStream.Taken.GAP);
    }

    @Test
    void aReaderTooFarBehindOverflowsAndOneThatReadsDoesNot() {
        JobStream lazy = stream();
        ReplyDelta.Builder large = ReplyDelta.newBuilder().setEpoch(1);
        for (int i = 0; i < BOUND; i++) {
            large.addTokens(TokenOut.newBuilder().setId(i));
        }

        assertThat(lazy.take(large.build())).isEqualTo(JobStream.Taken.YES);
        assertThat(lazy.take(large.setIndex(BOUND).build())).isEqualTo(JobStream.Taken.OVERFLOW);
        lazy.drain();
        assertThat(lazy.take(large.build())).isEqualTo(JobStream.Taken.YES);
    }

    @Test
    void aRetryOfAWholeAnswerIsToldThatItIsComplete() {
        stream.take(delta(1, 0, ANSWER.length()).build());
        stream.take(last(1).build());

        JobRelayed relayed = Objects.requireNonNull(stream.retrying(2));

        assertThat(relayed.getComplete()).isTrue();
        assertThat(relayed.getUsage().getCompletionTokens()).isEqualTo(ANSWER.length());
    }

    @Test
    void aRetryOfACancelledJobIsNotAnswered() {
        stream.fail(new JobEvent.Failed("cancelled", "gone"), false);

        assertThat(stream.retrying(2)).isNull();
    }

    @Test
    void thoseWhoWaitForTheEndAreToldOnce() {
        AtomicInteger told = new AtomicInteger();
        stream.onEnd(told::incrementAndGet);

        stream.take(delta(1, 0, ANSWER.length()).build());
        stream.signal();
        int before = told.get();
        stream.take(last(1).build());
        stream.signal();
        stream.signal();
        stream.onEnd(told::incrementAndGet);

        assertThat(before).isZero();
        assertThat(told.get()).isEqualTo(2);
    }

    /** However an answer is cut into deltas, doubled, delayed, and begun again by later attempts, the client reads it once. */
    @Property(tries = 500)
    void theClientReadsTheAnswerExactlyOnce(@ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int attempts) {
        Random random = new Random(seed);
        JobStream job = stream();
        StringBuilder read = new StringBuilder();
        List<ReplyDelta> sent = new ArrayList<>();
        int from = 0;
        for (int epoch = 1; epoch <= attempts; epoch++) {
            int to = epoch == attempts ? ANSWER.length() : from + random.nextInt(ANSWER.length() - from + 1);
            while (from < to) {
                int next = from + 1 + random.nextInt(to - from);
                sent.add(delta(epoch, from, next).build());
                job.take(sent.getLast());
                from = next;
                if (random.nextInt(3) == 0) {
                    job.take(sent.get(random.nextInt(sent.size())));
                }
                read.append(text(job));
            }
            if (epoch < attempts) {
                from = Objects.requireNonNull(job.retrying(epoch + 1)).getRelayedTokensCount();
            }
        }
        job.take(last(attempts).build());
        read.append(text(job));

        assertThat(read.toString()).isEqualTo(ANSWER);
        assertThat(job.relayedTokens()).isEqualTo(ANSWER.length());
    }
}
