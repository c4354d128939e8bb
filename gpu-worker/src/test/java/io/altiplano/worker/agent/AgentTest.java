package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.worker.TinyModels;
import io.altiplano.worker.agent.Broker.Tail;
import io.altiplano.worker.engine.ModelObserver;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What an agent makes of grants and cancellations, on a real broker and with a real model. */
class AgentTest extends AgentCase {
    @Test
    void a_granted_job_is_answered_token_by_token_and_its_end_reported() {
        JobSubmitted job = job(50).build();
        grant(job, 1);

        AttemptEnded ended = ended(job, 1);
        List<ReplyDelta> deltas = deltas(job, 1);

        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED);
        assertThat(ended.getBootId()).isEqualTo(agent.bootId());
        assertThat(ended.getWorkerId()).isEqualTo("default-0");
        assertThat(deltas).hasSizeGreaterThan(1).allMatch(d -> d.getNonce() == NONCE && d.getTokensCount() == 1);
        assertThat(IntStream.range(0, deltas.size()).allMatch(i -> deltas.get(i).getIndex() == i))
                .isTrue();
        assertThat(deltas.getLast().getLast()).isTrue();
        assertThat(deltas.getLast().getUsage()).isEqualTo(ended.getUsage());
        assertThat(deltas.getLast().getFinishReason())
                .isEqualTo(ended.getFinishReason())
                .isEqualTo("length");
        assertThat(ended.getUsage().getPromptTokens()).isEqualTo(job.getPromptTokensCount());
        assertThat(ended.getUsage().getCompletionTokens())
                .isEqualTo(tokens(deltas).size())
                .isEqualTo(50);
        assertThat(attempts.read().stream()
                        .filter(AttemptRecord::hasStarted)
                        .map(a -> a.getStarted().getJobId()))
                .contains(job.getJobId());
    }

    @Test
    void an_answer_that_is_not_streamed_is_one_record_and_the_same() {
        JobSubmitted streamed = job(40).build();
        JobSubmitted whole =
                streamed.toBuilder().setJobId(newId()).setStream(false).build();
        grant(streamed, 1);
        grant(whole, 1);
        ended(streamed, 1);
        ended(whole, 1);

        List<ReplyDelta> one = deltas(whole, 1);

        assertThat(one).hasSize(1);
        assertThat(one.getFirst().getIndex()).isZero();
        assertThat(tokens(one)).isEqualTo(tokens(deltas(streamed, 1)));
        assertThat(text(one)).isEqualTo(text(deltas(streamed, 1)));
    }

    @Test
    void jobs_of_one_gateway_share_a_record_a_step() {
        CountDownLatch gate = new CountDownLatch(1);
        ModelObserver heldAfterAToken = (model, report) -> awaitIf(report.generatedTokens() > 0, gate);
        models().observe(heldAfterAToken);
        List<JobSubmitted> jobs =
                Stream.generate(() -> job(300).build()).limit(4).toList();
        jobs.forEach(job -> grant(job, 1));
        jobs.forEach(job ->
                attempts.await("its start", a -> a.getStarted().getJobId().equals(job.getJobId())));

        gate.countDown();
        jobs.forEach(job -> deltas(job, 1));
        models().forget(heldAfterAToken);

        assertThat(replies.read().stream().mapToInt(ReplyRecord::getDeltasCount).max())
                .hasValue(4);
    }

    @Test
    void grants_for_another_boot_and_repeated_grants_are_ignored() {
        JobSubmitted stale = job(5).build();
        JobSubmitted twice = job(5).build();
        JobSubmitted after = job(5).build();
        broker.grant(0, "another-boot", grantOf(stale, 1));
        Grant grant = grantOf(twice, 1);
        broker.grant(0, agent.bootId(), grant);
        broker.grant(0, agent.bootId(), grant);
        ended(twice, 1);
        grant(after, 1);
        ended(after, 1);

        assertThat(endings(stale)).isZero();
        assertThat(endings(twice)).isEqualTo(1);
    }

    @Test
    void a_record_that_cannot_be_taken_is_buried_with_its_place_and_skipped() {
        long garbage = broker.work(0, new byte[] {9, 2, 3});
        long empty = broker.work(0, new byte[0]);
        long bodiless = broker.work(
                0,
                Topics.WORK.encode(
                        WorkRecord.newBuilder().setBootId(agent.bootId()).build()));
        JobSubmitted job = job(3).build();
        grant(job, 1);
        assertThat(ended(job, 1).getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED);

        try (Tail<DeadLetterRecord> letters = broker.tail(broker.topics().deadLetters("worker"), Topics.DEAD_LETTER)) {
            letters.await("the last letter", l -> l.getBuried().getOffset() == bodiless);
            assertThat(letters.read())
                    .extracting(DeadLetterRecord::getBuried)
                    .allMatch(l -> l.getTopic().equals(broker.topics().work(Broker.POOL)) && l.getPartition() == 0)
                    .extracting(DeadLetter::getOffset, DeadLetter::getReason)
                    .containsExactly(
                            tuple(garbage, DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE),
                            tuple(empty, DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE),
                            tuple(bodiless, DeadLetterReason.DEAD_LETTER_REASON_UNKNOWN_KIND));
            assertThat(letters.read().getFirst().getBuried().getMessage()).contains("codec version 9");
        }
    }

    @Test
    void a_cancelled_attempt_stops_before_the_next_step_with_its_counts_and_holds_nothing() {
        CountDownLatch gate = new CountDownLatch(1);
        ModelObserver heldAfterAToken = (model, report) -> awaitIf(report.generatedTokens() > 0, gate);
        models().observe(heldAfterAToken);
        JobSubmitted job = job(400).build();
        grant(job, 1);
        replies.await(
                "a first token",
                r -> r.getDeltasList().stream().anyMatch(d -> d.getJobId().equals(job.getJobId())));

        broker.cancel(0, agent.bootId(), job.getJobId(), 1);
        // Work is taken in order: once this one is rejected, the cancellation has been read.
        assertRejected(job(5).setModel("unheard"), "model_not_found");
        gate.countDown();
        AttemptEnded ended = ended(job, 1);
        models().forget(heldAfterAToken);

        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED);
        assertThat(ended.getUsage().getPromptTokens()).isEqualTo(job.getPromptTokensCount());
        assertThat(ended.getUsage().getCompletionTokens())
                .as("not one step more")
                .isEqualTo(1);
        heartbeats.await("all blocks free", h -> h.getRunningCount() == 0 && h.getFreeKvBlocks() == 512);
        assertThat(replies.read().stream().flatMap(r -> r.getDeltasList().stream()))
                .noneMatch(d -> d.getJobId().equals(job.getJobId()) && d.getLast());
    }

    @Test
    void a_second_attempt_goes_on_from_what_was_relayed() {
        JobSubmitted job = job(60).build();
        grant(job, 1);
        ended(job, 1);
        List<ReplyDelta> first = deltas(job, 1);
        List<ReplyDelta> relayed = first.subList(0, 23);
        LogPointer pointer = broker.relay(JobRelayed.newBuilder()
                .setJobId(job.getJobId())
                .setEpoch(2)
                .addAllRelayedTokens(tokens(relayed))
                .setRelayedTextLength(text(relayed).length())
                .build());

        broker.grant(
                0,
                agent.bootId(),
                grantOf(job, 2).toBuilder().setRelayed(pointer).build());
        AttemptEnded ended = ended(job, 2);
        List<ReplyDelta> second = deltas(job, 2);

        assertThat(second.getFirst().getIndex()).isEqualTo(23);
        assertThat(second.getFirst().getTextOffset()).isEqualTo(text(relayed).length());
        assertThat(tokens(second)).isEqualTo(tokens(first.subList(23, first.size())));
        assertThat(text(relayed) + text(second)).isEqualTo(text(first));
        assertThat(ended.getUsage().getCompletionTokens()).isEqualTo(60);
    }

    @Test
    void what_no_worker_can_run_is_rejected_by_code_and_the_worker_lives() {
        assertRejected(job(5).setModel("unheard"), "model_not_found");
        assertRejected(job(5).setModel("../tiny"), "model_not_found");
        assertRejected(job(5).setModel("broken"), "model_invalid");
        assertRejected(job(5).setAdapter("a"), "adapter_not_found");
        assertRejected(job(5).setAdapter("corrupt"), "adapter_invalid");
        assertRejected(job(TinyModels.CONTEXT), "context_length_exceeded");
        assertRejected(job(5).addPromptTokens(100_000), "invalid_tokens");
        assertRejected(job(0), "invalid_request");
        JobSubmitted good = job(3).build();
        grant(good, 1);
        assertThat(ended(good, 1).getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED);
    }

    @Test
    void a_pointer_that_leads_elsewhere_is_a_fault() {
        JobSubmitted job = job(3).build();
        Grant wrong = grantOf(job, 1).toBuilder()
                .setSubmission(broker.submit(job(3).build()))
                .build();
        broker.grant(0, agent.bootId(), wrong);
        AttemptEnded ended = ended(job, 1);
        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_FAULTED);
        assertThat(ended.getErrorCode()).isEqualTo("submission_unreadable");
    }

    @Test
    void log_probabilities_travel_with_the_tokens() {
        JobSubmitted.Builder asked = job(10);
        asked.getSamplingBuilder().setLogprobs(true).setTopLogprobs(3);
        JobSubmitted job = asked.build();
        grant(job, 1);
        ended(job, 1);
        assertThat(deltas(job, 1).stream().flatMap(d -> d.getTokensList().stream()))
                .hasSize(10)
                .allMatch(t -> t.getLogprob() < 0 && t.getTopCount() == 3);
    }

    private void assertRejected(JobSubmitted.Builder builder, String code) {
        JobSubmitted job = builder.build();
        grant(job, 1);
        AttemptEnded ended = ended(job, 1);
        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_REJECTED);
        assertThat(ended.getErrorCode()).isEqualTo(code);
        assertThat(ended.getUsage().getPromptTokens()).isZero();
    }
}
