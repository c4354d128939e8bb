package io.altiplano.stack.platform;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.stack.infra.JavaCommand;
import io.altiplano.stack.infra.ManagedProcess;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * How each service is started: its command line and its environment, from one description of the platform.
 *
 * @param apps the built services
 * @param database the gateway's
 * @param kafka how a principal (gateway, scheduler, worker) reaches the broker
 * @param prefix put before every topic's name; usually empty
 * @param issuer the identity provider's realm
 * @param models the model store
 * @param audit the signed checkpoints of the audit log
 * @param state folder of the scheduler's state stores
 * @param pepper key of the API keys' hash, hexadecimal
 * @param gatewayPort on 127.0.0.1
 * @param schedulerPort on 127.0.0.1
 * @param tensorParallel ranks of a worker
 * @param extra added to every service's environment
 * @param busy whether services are to be fast in the long run, as in production, rather than quick to start
 */
public record ServiceSpecs(
        Apps apps,
        Database database,
        Function<String, KafkaConfig> kafka,
        String prefix,
        String issuer,
        Path models,
        AuditFiles audit,
        Path state,
        String pepper,
        int gatewayPort,
        int schedulerPort,
        int tensorParallel,
        Map<String, String> extra,
        boolean busy) {

    /** The one model pool of a development platform. */
    public static final String POOL = "default";

    // For the heap, where the system has them: a page of 2 MB instead of 512 faults, each dear in a virtual machine.
    private static final String HUGE_PAGES = "-XX:+UseTransparentHugePages";

    private static final List<String> SMALL = List.of("-XX:+UseSerialGC", "-Xms64m");
    // C1 alone: on a developer's machine services wait for others most of the time, a worker for native code, and start
    // in half the time.
    private static final String ONE_COMPILER = "-XX:TieredStopAtLevel=1";

    // And no full collections because classes or code first fill what is small to begin with, and fewer young ones.
    private static final List<String> QUICK = List.of(
            "-XX:+UseSerialGC",
            ONE_COMPILER,
            HUGE_PAGES,
            "-Xms64m",
            "-Xmn48m",
            "-XX:MetaspaceSize=128m",
            "-XX:ReservedCodeCacheSize=128m");

    /** The API. */
    public ManagedProcess.Spec gateway() {
        Map<String, String> e = environment("gateway", gatewayPort);
        e.putAll(database.environment());
        e.putAll(audit.environment());
        e.put("ALTIPLANO_MODELS_DIR", models.toString());
        // One gateway, with nobody in front of it who would have to learn that it goes.
        e.put("ALTIPLANO_JOB_FAREWELL", "PT0S");
        e.put("ALTIPLANO_KEYS_PEPPER", pepper);
        e.put("ALTIPLANO_OIDC_URL", issuer);
        e.put("ALTIPLANO_CONSOLE_URL", gatewayUrl() + "/console");
        return spec("gateway", apps.gateway(), with(small(), "-Xmx384m"), e);
    }

    /** The scheduler. */
    public ManagedProcess.Spec scheduler() {
        Map<String, String> e = environment("scheduler", schedulerPort);
        e.put("ALTIPLANO_SCHEDULER_STATE_DIR", state.toString());
        // A known member takes its partitions up again at once, also after kill -9, without waiting out its session.
        e.put("ALTIPLANO_SCHEDULER_INSTANCE_ID", "scheduler-0");
        return spec("scheduler", apps.scheduler(), with(small(), "-Xmx256m"), e);
    }

    /** The worker of an ordinal, from 0. */
    public ManagedProcess.Spec worker(int ordinal, int port) {
        Map<String, String> e = environment("worker", port);
        e.put("ALTIPLANO_MODELS_DIR", models.toString());
        e.put("ALTIPLANO_WORKER_POOL", POOL);
        e.put("ALTIPLANO_WORKER_ORDINAL", Integer.toString(ordinal));
        e.put("ALTIPLANO_WORKER_TP", Integer.toString(tensorParallel));
        List<String> options = new ArrayList<>(List.of(
                "-XX:+UseParallelGC",
                HUGE_PAGES,
                "-XX:MaxRAMPercentage=40",
                "-Xms256m",
                "-XX:NewSize=128m",
                "-XX:MetaspaceSize=128m"));
        if (!WorkerKernels.areNative(apps.worker(), extra)) {
            options.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        } else if (!busy) {
            options.add(ONE_COMPILER);
        }
        return spec("worker-" + ordinal, apps.worker(), options, e);
    }

    private List<String> small() {
        return busy ? SMALL : QUICK;
    }

    /** The gateway's address. */
    public String gatewayUrl() {
        return "http://127.0.0.1:" + gatewayPort;
    }

    private Map<String, String> environment(String principal, int port) {
        KafkaConfig config = kafka.apply(principal);
        Map<String, String> e = new LinkedHashMap<>();
        e.put("QUARKUS_HTTP_HOST", "127.0.0.1");
        e.put("QUARKUS_HTTP_PORT", Integer.toString(port));
        e.put("ALTIPLANO_KAFKA_BOOTSTRAP", config.bootstrapServers());
        e.put("ALTIPLANO_KAFKA_SECURITY", config.security());
        e.put("ALTIPLANO_KAFKA_MECHANISM", config.mechanism());
        e.put("ALTIPLANO_KAFKA_USERNAME", config.username());
        e.put("ALTIPLANO_KAFKA_PASSWORD", config.password());
        if (!prefix.isEmpty()) {
            e.put("ALTIPLANO_TOPICS_PREFIX", prefix);
        }
        e.putAll(extra);
        return e;
    }

    private static List<String> with(List<String> options, String more) {
        List<String> all = new ArrayList<>(options);
        all.add(more);
        return all;
    }

    private ManagedProcess.Spec spec(String name, Path app, List<String> options, Map<String, String> environment) {
        List<String> jvm = new ArrayList<>(options);
        jvm.add("-XX:+ExitOnOutOfMemoryError");
        jvm.add("--enable-native-access=ALL-UNNAMED");
        jvm.add("--sun-misc-unsafe-memory-access=allow");
        List<String> command = new ArrayList<>();
        command.add(JavaCommand.java());
        // Recording costs what a benchmark under load would count.
        command.addAll(AotCache.of(app).options(name, jvm, apps.kept() && !busy));
        command.addAll(jvm);
        command.add("-jar");
        command.add(Apps.jar(app));
        return ManagedProcess.Spec.of(name, command, environment);
    }
}
