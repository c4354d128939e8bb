package io.altiplano.gateway.entitlement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CombinerTest {
    @Test
    void whatComesWhileCallsAreUnderWayGoesTogether() throws InterruptedException {
        AtomicInteger calls = new AtomicInteger();
        CountDownLatch gate = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(3);
        Combiner<Integer, Integer> combiner = new Combiner<>(asks -> {
            calls.incrementAndGet();
            begun.countDown();
            try {
                gate.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return asks.stream().map(ask -> ask * 2).toList();
        });
        List<CompletableFuture<Integer>> answers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            answers.add(combiner.tell(i));
            while (begun.getCount() > 2 - i) {
                Thread.onSpinWait();
            }
        }

        for (int i = 3; i < 43; i++) {
            answers.add(combiner.tell(i));
        }
        gate.countDown();

        for (int i = 0; i < 43; i++) {
            assertThat(answers.get(i).join()).isEqualTo(i * 2);
        }
        assertThat(calls.get()).isBetween(4, 6);
    }

    @Test
    void whatLingersGoesTogetherAndAtOnceWhereSomebodyIsInAHurry() {
        // given
        List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
        Combiner<Integer, Integer> combiner = Combiner.lingering(
                asks -> {
                    sizes.add(asks.size());
                    return asks;
                },
                Duration.ofDays(1));

        // when
        List<CompletableFuture<Integer>> answers =
                IntStream.range(0, 40).mapToObj(combiner::tell).toList();
        assertThat(answers).noneMatch(CompletableFuture::isDone);
        combiner.hurry();

        // then
        answers.forEach(CompletableFuture::join);
        assertThat(sizes).containsExactly(40);
    }

    @Test
    void whatLingersGoesThoughNobodyIsInAHurry() {
        // given
        Combiner<Integer, Integer> combiner = Combiner.lingering(asks -> asks, Duration.ofMillis(1));

        // then
        for (int i = 0; i < 200; i++) {
            assertThat(combiner.tell(i).join()).isEqualTo(i);
        }
    }

    @Test
    void aFailureIsToldToEachAndTheNextIsServed() throws InterruptedException {
        Combiner<Integer, Integer> combiner = new Combiner<>(asks -> {
            if (asks.contains(-1)) {
                throw new IllegalArgumentException("no");
            }
            return asks;
        });

        assertThatThrownBy(() -> combiner.ask(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(combiner.ask(7)).isEqualTo(7);
    }

    @Test
    void nobodyIsForgotten() throws InterruptedException {
        Combiner<Integer, Integer> combiner = new Combiner<>(asks -> asks);
        List<Thread> threads = new ArrayList<>();
        AtomicInteger served = new AtomicInteger();

        for (int i = 0; i < 2000; i++) {
            int ask = i;
            threads.add(Thread.startVirtualThread(() -> {
                try {
                    if (combiner.ask(ask) == ask) {
                        served.incrementAndGet();
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(served.get()).isEqualTo(2000);
    }
}
