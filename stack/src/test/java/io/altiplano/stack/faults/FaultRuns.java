package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.TestInfra;
import io.altiplano.stack.infra.Waiting;
import io.altiplano.stack.platform.Demo;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/**
 * Faults under steady load on one long-lived platform, a test a seed; run by {@code ./altiplano test --faults}. Each seed
 * loads the platform, breaks some of it at drawn moments, heals it, waits until all is idle and holds what is left
 * against the invariants.
 */
@TestInstance(Lifecycle.PER_CLASS)
class FaultRuns {
    private static final int SEEDS = Integer.getInteger("altiplano.faults.seeds", 20);
    private static final int FIRST = Integer.getInteger("altiplano.faults.first", 0);
    private static final int FAULTS = 3;
    /** In so many some tenant of each kind has had enough. */
    private static final int ENOUGH_SEEDS = 10;

    private static final int CLIENTS_A_TENANT = 3;
    /** Of the smaller tenant in a flood, far more than the workers take at once; the other has twice as many. */
    private static final int CLIENTS_IN_A_FLOOD = 60;

    private static final Map<String, Long> WIDE =
            Map.of("requests_per_minute", 1_000_000L, "tokens_per_minute", 1_000_000_000L, "concurrent", 1_000L);
    private static final Duration LOADED = Duration.ofSeconds(18);
    /** Long beside the burst with which a flood begins. */
    private static final Duration FLOODED = Duration.ofSeconds(32);

    private static final Duration DRAINED = Duration.ofSeconds(30);

    private final Report report = new Report();
    private final Map<Integer, String> answers = new HashMap<>();
    private final List<Client> clients = new ArrayList<>();

    @SuppressWarnings("NullAway.Init") // in @BeforeAll
    private Cluster cluster;

    @SuppressWarnings("NullAway.Init") // in @BeforeAll
    private Client.PromptCounter counter;

    private final Map<String, String> keys = new LinkedHashMap<>();
    private final Set<Narrow> exhausted = EnumSet.noneOf(Narrow.class);

    @BeforeAll
    void start() {
        Path folder = TestInfra.root().resolve("stack/target/faults/" + UUID.randomUUID());
        cluster = Cluster.start(folder);
        counter = new Client.PromptCounter(folder.resolve("models").resolve(Demo.MODEL));
        for (String tenant : List.of("north", "south")) {
            keys.put(tenant, cluster.newTenant(tenant));
            // Refusals for going fast are not what is tried here.
            cluster.admin().limits(tenant, WIDE);
            clients.addAll(clients(tenant, CLIENTS_A_TENANT));
        }
        // What an undisturbed platform says: the same, to the last character, is expected of a disturbed one.
        for (Question question : Question.all()) {
            Seen seen = clients.getFirst().ask(question);
            assertThat(seen.end()).as("%s", seen).isEqualTo(Seen.End.WHOLE);
            answers.put(question.number(), seen.text());
        }
    }

    @AfterAll
    void stop() {
        clients.forEach(Client::close);
        if (cluster != null) {
            cluster.close();
        }
        System.out.println("Report: " + report.write(TestInfra.root().resolve("stack/target/faults")));
        if (SEEDS >= ENOUGH_SEEDS) {
            assertThat(exhausted)
                    .as("limits that a tenant came up against: others were not tried")
                    .contains(Narrow.values());
        }
    }

    private List<Client> clients(String tenant, int count) {
        String key = keys.getOrDefault(tenant, "");
        return IntStream.range(0, count)
                .mapToObj(i -> new Client(cluster.url() + "/v1", tenant, key, counter))
                .toList();
    }

    @Test
    void equalTenantsAreServedAlikeWhileOneAsksForTwiceAsMuchAndBothForMoreThanFits() throws Exception {
        // given
        List<Client> flood = new ArrayList<>();
        for (int i = 0; i < CLIENTS_IN_A_FLOOD; i++) {
            flood.addAll(clients("north", 2));
            flood.addAll(clients("south", 1));
        }
        Replay.Mark from = Replay.mark(cluster);
        List<Seen> seen;

        // when
        try (Load load = Load.steady(flood)) {
            Thread.sleep(FLOODED);
            seen = load.stop();
        } finally {
            flood.forEach(Client::close);
        }

        // then
        List<Finding> unfair = Shares.unfair(seen, Replay.queued(cluster, from), "north", "south");
        report.flood(unfair);
        assertThat(unfair).isEmpty();
        assertThat(seen).allMatch(s -> s.end() == Seen.End.WHOLE);
    }

    @TestFactory
    Stream<DynamicTest> everyInvariantHoldsAfter() {
        return IntStream.range(FIRST, FIRST + SEEDS)
                .mapToObj(seed ->
                        DynamicTest.dynamicTest("seed " + seed + ": " + Fault.of(seed, FAULTS), () -> run(seed)));
    }

    @Test
    void noRequestFailsWhileTheSchemaIsWidenedAndEveryServiceRestartedInTurn() throws Exception {
        // given
        Replay.Mark from = Replay.mark(cluster);
        List<Seen> seen;

        // when: as the next version's rollout does, of which the second of each kind is already
        try (Load load = Load.start(clients, 4_711);
                Connection owner = cluster.superuser()) {
            try {
                NextVersion.widen(owner);
                for (String service : cluster.services()) {
                    cluster.restart(service);
                }
            } finally {
                NextVersion.narrow(owner);
            }
            seen = load.stop();
        }

        // then
        assertThat(seen).noneMatch(s -> s.end() != Seen.End.WHOLE && s.end() != Seen.End.LEFT);
        assertThat(seen).anyMatch(s -> s.end() == Seen.End.WHOLE);
        assertThat(Checker.check(gather(from, seen, Map.of(), false)).findings())
                .isEmpty();
        assertThat(Replay.ofNextVersion(cluster, from)).contains(true, false);
    }

    @Test
    void aLedgerThatDoesNotAddUpIsFound() throws Exception {
        // given
        Replay.Mark now = Replay.mark(cluster);
        try (Connection database = cluster.superuser()) {
            awaitOr(
                    new ArrayList<>(),
                    "the first answers are posted",
                    () -> Ledger.of(database, now.jobs()).size() >= answers.size());
            assertThat(Ledger.skewed(database)).isEmpty();
            assertThat(Ledger.strangers(database, now.jobs())).isEmpty();
            List<Evidence.Entry> entries = Ledger.of(database, now.jobs());

            // when, then
            assertThat(Ledger.strangers(database, Set.of())).hasSameSizeAs(entries);
            for (String damage : List.of(
                    "UPDATE usage_hour SET requests = requests + 1",
                    "UPDATE usage_day SET prompt_tokens = prompt_tokens + 1",
                    "UPDATE usage_month SET cost = cost + 0.000001",
                    "DELETE FROM cost_line",
                    "UPDATE ledger_entry SET completion_tokens = completion_tokens + 1")) {
                assertThat(Ledger.skewedBy(database, damage)).as(damage).isNotEmpty();
            }
            assertThat(Ledger.skewed(database)).isEmpty();
        }
    }

    private void run(int seed) throws Exception {
        long began = System.nanoTime();
        Random random = new Random(seed);
        Replay.Mark from = Replay.mark(cluster);
        List<Fault> faults = Fault.of(seed, FAULTS);
        String narrow = "narrow-" + seed;
        keys.put(narrow, cluster.newTenant(narrow));
        Narrow kind = Narrow.values()[seed % Narrow.values().length];
        cluster.admin().limits(narrow, kind.setting());
        List<Client> all = new ArrayList<>(clients);
        List<Client> narrowed = clients(narrow, 2);
        all.addAll(narrowed);
        List<Seen> seen;
        long disturbed;
        long healed;
        try (Load load = Load.start(all, seed)) {
            disturb(faults, random);
            disturbed = System.nanoTime();
            cluster.heal();
            healed = System.nanoTime();
            seen = load.stop();
        } finally {
            narrowed.forEach(Client::close);
        }
        long stopped = System.nanoTime();
        Evidence evidence = gather(from, seen, Map.of(narrow, kind), faults.contains(Fault.GATEWAY_KILLED));
        if (seen.stream().anyMatch(s -> s.tenant().equals(narrow) && s.code().equals("insufficient_quota"))) {
            exhausted.add(kind);
        }
        Checker.Result result = Checker.check(evidence);
        Report.Took took = Report.Took.of(began, disturbed, healed, stopped, System.nanoTime());
        report.add(new Report.Row(seed, faults, evidence, result, took));
        System.out.println(report.last());
        assertThat(result.findings()).as("seed %d", seed).isEmpty();
        assertThat(seen).as("the load of seed %d", seed).anyMatch(s -> s.end() == Seen.End.WHOLE);
    }

    /** Injects each fault at a moment of its own and undoes it when its time is over. */
    private void disturb(List<Fault> faults, Random random) throws InterruptedException {
        TreeMap<Long, Runnable> agenda = new TreeMap<>();
        for (Fault fault : faults) {
            long at = random.nextLong(1_000, LOADED.toMillis() - 6_000);
            long undone = at + fault.lasts(random).toMillis();
            Fault.Undo[] undo = {Fault.Undo.NOTHING};
            put(agenda, at, () -> undo[0] = fault.inject(cluster, random));
            put(agenda, undone, () -> undo[0].run());
        }
        long began = System.nanoTime();
        for (Map.Entry<Long, Runnable> act : agenda.entrySet()) {
            sleepUntil(began + Duration.ofMillis(act.getKey()).toNanos());
            act.getValue().run();
        }
        sleepUntil(began + LOADED.toNanos());
    }

    private static void put(TreeMap<Long, Runnable> agenda, long at, Runnable act) {
        long free = at;
        while (agenda.containsKey(free)) {
            free++;
        }
        agenda.put(free, act);
    }

    private static void sleepUntil(long nanos) throws InterruptedException {
        long left = nanos - System.nanoTime();
        if (left > 0) {
            Thread.sleep(Duration.ofNanos(left));
        }
    }

    /** @param gatewayDied then what it had reserved and not sent is held until its term is over */
    private Evidence gather(Replay.Mark from, List<Seen> seen, Map<String, Narrow> narrow, boolean gatewayDied)
            throws SQLException {
        List<String> undrained = new ArrayList<>();
        Map<String, Long> idle = new LinkedHashMap<>();
        Replay.Since[] since = {Replay.since(cluster, from)};
        awaitOr(undrained, "every submitted job has ended and is billed", () -> {
            since[0] = Replay.since(cluster, from);
            Set<String> open = new HashSet<>(since[0].submitted().keySet());
            since[0].log().stream()
                    .filter(r -> r.hasFinished())
                    .forEach(r -> open.remove(r.getFinished().getJobId()));
            try (Connection database = cluster.superuser()) {
                Set<String> all = since[0].submitted().keySet();
                return open.isEmpty() && Ledger.of(database, all).size() >= all.size();
            }
        });
        try (Leftovers leftovers = new Leftovers(cluster)) {
            awaitOr(new ArrayList<>(), "nothing is held", () -> leftovers.now().isEmpty());
            idle.putAll(leftovers.now());
        }
        try (Connection database = cluster.superuser()) {
            awaitOr(
                    new ArrayList<>(),
                    "no row of work under way",
                    gatewayDied ? Cluster.RESERVATION_TERM.plus(DRAINED) : DRAINED,
                    () -> Leftovers.rows(database).isEmpty());
            idle.putAll(Leftovers.rows(database));
            // Meanwhile a request that nobody waits for any more may have been taken over and run.
            since[0] = Replay.since(cluster, from);
            Map<String, Evidence.Quota> quotas = new LinkedHashMap<>();
            for (Map.Entry<String, Narrow> e : narrow.entrySet()) {
                quotas.put(e.getKey(), e.getValue().quota(database, e.getKey()));
            }
            List<String> skewed = new ArrayList<>();
            List<Evidence.Entry> ledger =
                    Ledger.of(database, since[0].submitted().keySet());
            Set<String> everSubmitted = new HashSet<>(from.jobs());
            everSubmitted.addAll(since[0].submitted().keySet());
            skewed.addAll(Ledger.strangers(database, everSubmitted));
            awaitOr(
                    new ArrayList<>(),
                    "each damaged record has its letter",
                    () -> from.letters().missing(database).isEmpty());
            undrained.addAll(from.letters().missing(database));
            undrained.addAll(from.letters().unexplained());
            return new Evidence(
                    seen,
                    since[0].submitted(),
                    since[0].log(),
                    ledger,
                    postedAgain(database, since[0].submitted().keySet(), undrained, skewed),
                    skewed,
                    answers,
                    Set.of(),
                    idle,
                    undrained,
                    from.letters().damaged(),
                    cluster.verifyAudit(),
                    quotas);
        }
    }

    /**
     * Posts everything again from offset 0 and tells what the ledger is then.
     *
     * @param undrained told if it was not posted again
     * @param skewed told if a byte of an entry or cost line differs then, or a rollup is not the sum of its entries
     */
    private List<Evidence.Entry> postedAgain(
            Connection database, Set<String> jobs, List<String> undrained, List<String> skewed) throws SQLException {
        String before = Ledger.digest(database);
        String lines = Ledger.lines(database, null);
        long end = Ledger.posted(database);
        Ledger.fromTheBeginning(database);
        // A gateway looks where it stands when the next record comes.
        Seen nudge = clients.getFirst().ask(Question.all().getFirst());
        awaitOr(undrained, "the ledger was posted again", () -> Ledger.posted(database) > end);
        if (nudge.end() != Seen.End.WHOLE) {
            undrained.add("an idle, healed platform does not answer: " + nudge);
        }
        // Its grant alone moves the offset; its end may be posted after that.
        awaitOr(
                undrained,
                "the nudge's own entry is in the ledger",
                () -> !Ledger.digest(database).equals(before));
        String again = Ledger.lines(database, nudge.job());
        if (!again.equals(lines)) {
            skewed.add("posted again from offset 0, entries and cost lines were " + lines + " and are " + again);
        }
        skewed.addAll(Ledger.skewed(database));
        return Ledger.of(database, jobs);
    }

    private static void awaitOr(List<String> undrained, String what, Callable<Boolean> probe) {
        awaitOr(undrained, what, DRAINED, probe);
    }

    private static void awaitOr(List<String> undrained, String what, Duration patience, Callable<Boolean> probe) {
        try {
            Waiting.until(what, null, patience, probe);
        } catch (InfraException e) {
            undrained.add(String.valueOf(e.getMessage()));
        }
    }
}
