package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.core.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** One seed's life of a platform: load and faults for a while, then healing, then everything must be over and in order. */
final class Simulation {
    private static final int WORKERS = 3;
    private static final int JOBS = 50;
    private static final int BURST = 16;
    private static final int LEAST_FAULTS = 5;
    private static final int TROUBLE_MS = 12_000;
    private static final int HEALING_MS = 120_000;

    private final World world;
    private final Topics topics = Topics.of(WORKERS);
    private final SimGateway gateway;
    private final SimGroup schedulers;
    private final SimLedger ledger;
    private final List<SimWorker> workers = new ArrayList<>();

    private Simulation(long seed, Mutant mutant) {
        world = new World(seed);
        gateway = new SimGateway(world, topics);
        Settings settings = Settings.of(3_000);
        if (mutant == Mutant.NO_ATTEMPT_LIMIT) {
            settings = settings.withMaxAttempts(1_000);
        }
        if (mutant == Mutant.NO_PATIENCE) {
            settings = settings.withRelayTimeoutMs(2_000);
        }
        schedulers = new SimGroup(world, topics, mutant, settings);
        ledger = new SimLedger(world, topics, mutant);
        for (int i = 0; i < WORKERS; i++) {
            workers.add(new SimWorker(world, topics, gateway, i));
        }
    }

    /** All that was written to {@code jobs} in a seed's time of trouble. */
    static List<JobRecord> lived(long seed) {
        Simulation s = new Simulation(seed, Mutant.NONE);
        s.load();
        s.trouble();
        s.world.runUntil(() -> false, TROUBLE_MS);
        return List.copyOf(s.topics.jobs().all());
    }

    /**
     * Runs one seed.
     *
     * @return what was done in it, by kind: faults, jobs, records of {@code jobs}
     * @throws Checker.Violation if an invariant does not hold
     */
    static Map<String, Integer> run(long seed, Mutant mutant) {
        Simulation s = new Simulation(seed, mutant);
        s.load();
        s.trouble();
        s.world.runUntil(() -> false, TROUBLE_MS);
        boolean over = s.world.runUntil(s::idle, HEALING_MS);
        Checker checker = new Checker();
        checker.check(s.topics, s.gateway, 3);
        checker.ledger(s.ledger.settled());
        new Fairness(s.gateway, s.schedulers.fairSpans(), "burst-a", "burst-b").check(s.topics);
        Checker.require(
                over,
                "left over: %s, workers idle %s",
                s.schedulers.leftOver(),
                s.workers.stream().map(SimWorker::idle).toList());
        s.world.counts.put("workers", s.workers.size());
        s.world.counts.put("schedulers", SimGroup.REPLICAS);
        s.world.counts.put("retries", checker.retries());
        s.world.counts.put("jobs", s.gateway.clients().size());
        s.world.counts.put("decisions", s.topics.jobs().end());
        s.world.counts.put("decisions fenced", checker.fenced());
        return s.world.counts;
    }

    private boolean idle() {
        return topics.submissions().end() >= JOBS
                && schedulers.leftOver().isEmpty()
                && gateway.clients().stream().allMatch(c -> c.gone || c.told != null)
                && workers.stream().allMatch(SimWorker::idle);
    }

    private void load() {
        world.after(world.between(1_000, 6_000), () -> {
            burst("burst-a");
            burst("burst-b");
            schedulers.askFairness(topics.submissions().end());
        });
        for (int i = 0; i < JOBS - 2 * BURST; i++) {
            int tenant = i % 3;
            world.after(world.between(0, TROUBLE_MS * 3 / 4), () -> submit("tenant-" + tenant));
        }
        if (world.chance(0.3)) {
            world.after(
                    world.between(0, TROUBLE_MS),
                    () -> gateway.send(SubmissionRecord.newBuilder()
                            .setWithdrawn(RightWithdrawn.newBuilder()
                                    .setTenantId("tenant-2")
                                    .setLicenceEpoch(2)
                                    .setReason("grant ended"))
                            .build()));
        }
    }

    /** Many jobs of one tenant at once, that nobody cancels and that harm no worker. */
    private void burst(String tenant) {
        for (int i = 0; i < BURST; i++) {
            int length = world.between(20, 60);
            gateway.submitAtOnce(
                    Samples.job(JobId.create(world.now(), world.random).toString())
                            .setTenantId(tenant)
                            .setSampling(Sampling.newBuilder().setMaxTokens(length))
                            .setEstimatedCost(5 + length)
                            .build());
        }
    }

    private void submit(String tenant) {
        String id = JobId.create(world.now(), world.random).toString();
        int length = world.between(1, 120);
        String[] kinds = {"", "", "", "", "shaky", "shaky", "killer", "refused"};
        JobSubmitted job = Samples.job(id)
                .setGateway("gateway-of-" + id)
                .setTenantId(tenant)
                .setAdapter(kinds[world.between(0, kinds.length)])
                .setSampling(Sampling.newBuilder().setMaxTokens(length))
                .setEstimatedCost(5 + length + (world.chance(0.1) ? 10_000 : 0))
                .build();
        gateway.submit(job);
        if (world.chance(0.25)) {
            world.after(world.between(0, 5_000), () -> gateway.cancel(id));
        }
        if (world.chance(0.1)) {
            world.after(world.between(0, 4_000), () -> gateway.lose(id));
        }
    }

    private void trouble() {
        fault(this::schedulerFault);
        for (int i = LEAST_FAULTS - 1 + world.between(0, 5); i > 0; i--) {
            SimWorker worker = workers.get(world.between(0, WORKERS));
            fault(
                    switch (world.between(0, 6)) {
                        case 0, 1 -> this::schedulerFault;
                        case 2, 3 -> worker::dieIfUp;
                        case 4 -> gateway::goDeaf;
                        default -> worker::standStill;
                    });
        }
    }

    private boolean schedulerFault() {
        return switch (world.between(0, 5)) {
            case 0, 1 -> schedulers.crash();
            case 2 -> schedulers.standStill(false);
            case 3 -> schedulers.standStill(true);
            default -> schedulers.cutOff();
        };
    }

    private void fault(BooleanSupplier fault) {
        world.after(world.between(0, TROUBLE_MS), () -> inject(fault));
    }

    /** What is down already cannot fail: it is tried again until it is up. */
    private void inject(BooleanSupplier fault) {
        if (fault.getAsBoolean()) {
            world.count("faults");
        } else {
            world.after(100, () -> inject(fault));
        }
    }
}
