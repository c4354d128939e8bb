package io.altiplano.stack.journey;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LeaseGranted;
import io.altiplano.stack.infra.Dirs;
import io.altiplano.stack.infra.KafkaServer;
import io.altiplano.stack.infra.ManagedProcess;
import io.altiplano.stack.infra.Ports;
import io.altiplano.stack.infra.PostgresServer;
import io.altiplano.stack.infra.Secrets;
import io.altiplano.stack.infra.TestInfra;
import io.altiplano.stack.infra.TopicProvisioner;
import io.altiplano.stack.infra.Watchdog;
import io.altiplano.stack.platform.AdminApi;
import io.altiplano.stack.platform.Apps;
import io.altiplano.stack.platform.AuditFiles;
import io.altiplano.stack.platform.Database;
import io.altiplano.stack.platform.Demo;
import io.altiplano.stack.platform.ModelStore;
import io.altiplano.stack.platform.Probe;
import io.altiplano.stack.platform.ServiceSpecs;
import io.altiplano.stack.platform.Supervised;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * One platform for all journeys: the built services, two workers, with a PostgreSQL and a broker of its own (so that all
 * of it can be stopped and started again, and access lists are as strict as in production), and the test
 * infrastructure's Keycloak.
 */
final class Platform implements AutoCloseable {
    static final int WORKERS = 2;
    private static final Topics TOPICS = new Topics("");
    private static final Duration START = Duration.ofSeconds(180);

    private static final Pattern LEASED_TO = Pattern.compile("worker=" + ServiceSpecs.POOL + "-(\\d+)");

    private final Dirs dirs;
    private final Secrets secrets;
    private final List<Integer> ports;
    private final ServiceSpecs specs;
    private final Apps apps;
    private final Watchdog watchdog;
    private final List<Supervised> workers = new ArrayList<>();
    private final List<AutoCloseable> services = new ArrayList<>();
    private final AdminApi admin;
    private KafkaServer kafka;
    private PostgresServer postgres;

    private Platform(Path folder) throws IOException, SQLException {
        Path root = TestInfra.root();
        dirs = Dirs.under(folder, root.resolve(".altiplano/cache"));
        secrets = new Secrets(folder.resolve("secrets"));
        ports = Ports.free(5 + WORKERS);
        apps = Apps.ofCheckout(root);
        Path models = folder.resolve("models");
        new ModelStore(models).add(Demo.MODEL, root.resolve("starter-model/model"));
        specs = new ServiceSpecs(
                apps,
                Database.of(
                        "jdbc:postgresql://127.0.0.1:" + ports.get(0) + "/altiplano",
                        "altiplano",
                        "",
                        role -> secrets.get("postgres." + role)),
                principal -> KafkaServer.config(ports.get(1), principal, secrets),
                TOPICS.prefix(),
                TestInfra.issuer(),
                models,
                AuditFiles.under(folder),
                dirs.data().resolve("scheduler"),
                secrets.get("pepper", 32),
                ports.get(3),
                ports.get(4),
                2,
                Map.of(),
                false);
        specs.audit().makeKeys();
        admin = new AdminApi(specs.gatewayUrl() + "/admin/v1", () -> TestInfra.token("admin"));
        watchdog = Watchdog.over(dirs.run());
        kafka = KafkaServer.start(dirs, ports.get(1), ports.get(2), secrets);
        postgres = PostgresServer.start(dirs, ports.get(0), secrets.get("superuser"));
        startServices();
        admin.createModel(Demo.MODEL, Demo.LICENCE, ServiceSpecs.POOL);
        Probe.awaitAnswer(baseUrl(), newTenant("probe", 1), Demo.MODEL, START);
    }

    /** Starts one in a new folder below the module's target. */
    static Platform start() {
        try {
            Path folder = TestInfra.root().resolve("stack/target/journeys/" + UUID.randomUUID());
            Files.createDirectories(folder);
            return new Platform(folder);
        } catch (IOException | SQLException e) {
            throw new AssertionError(e);
        }
    }

    private void startServices() throws SQLException {
        kafka.awaitReady();
        try (Admin client = kafka.admin()) {
            new TopicProvisioner(client, TOPICS)
                    .provision(List.of(ServiceSpecs.POOL), TopicProvisioner.Principals.DEFAULT);
        }
        postgres.awaitReady();
        try (var superuser = postgres.superuser("postgres")) {
            specs.database().create(superuser, apps.gateway());
        }
        List<CompletableFuture<Void>> starting = new ArrayList<>();
        starting.add(service(specs.gateway(), ports.get(3), services));
        starting.add(service(specs.scheduler(), ports.get(4), services));
        for (int i = 0; i < WORKERS; i++) {
            starting.add(service(specs.worker(i, ports.get(5 + i)), ports.get(5 + i), workers));
        }
        starting.forEach(CompletableFuture::join);
    }

    private CompletableFuture<Void> service(ManagedProcess.Spec spec, int port, List<? super Supervised> into) {
        Supervised supervised = Supervised.start(() -> ManagedProcess.start(spec, dirs), System.out::println);
        into.add(supervised);
        return CompletableFuture.runAsync(
                () -> Probe.awaitReady(supervised.current(), port, START), Thread::startVirtualThread);
    }

    /** Stops everything, down to the database and the broker, and starts it again on the same data. */
    void restart() throws SQLException {
        stop();
        kafka = KafkaServer.start(dirs, ports.get(1), ports.get(2), secrets);
        postgres = PostgresServer.start(dirs, ports.get(0), secrets.get("superuser"));
        startServices();
    }

    /** kill -9 of a worker's process; it is started again, as {@code up} does. */
    void killWorker(int ordinal) {
        ManagedProcess victim = workers.get(ordinal).current();
        ProcessHandle.of(victim.pid()).orElseThrow().destroyForcibly();
    }

    /** The ordinal of the worker that the scheduler's log says was leased a job first; quick, for a job that is running. */
    int workerOf(String job) {
        try (Stream<String> lines = Files.lines(schedulerLog())) {
            return lines.filter(line -> line.contains("LeaseGranted epoch=1 job=" + job))
                    .map(LEASED_TO::matcher)
                    .filter(Matcher::find)
                    .mapToInt(found -> Integer.parseInt(found.group(1)))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no lease of " + job + " in " + schedulerLog()));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Waits until every worker says that it is ready, after one was killed. */
    void awaitWorkers() {
        for (int i = 0; i < WORKERS; i++) {
            Probe.awaitReady(workers.get(i).current(), ports.get(5 + i), START);
        }
    }

    String baseUrl() {
        return specs.gatewayUrl() + "/v1";
    }

    String gatewayUrl() {
        return specs.gatewayUrl();
    }

    AdminApi admin() {
        return admin;
    }

    /** Creates a tenant of the community tier with attested users and returns a key of it. */
    String newTenant(String id, long monthlyActiveUsers) {
        admin.createTenant(id, id, "community", "ZZ-" + id);
        admin.attest(id, id, monthlyActiveUsers);
        return admin.createKey(id, "journey");
    }

    /** What {@code audit verify} says of this platform's audit log, and its exit code behind. */
    String verifyAudit() {
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(AuditFiles.verification(apps.gateway(), List.of())).redirectErrorStream(true);
            builder.environment().putAll(specs.audit().verifying());
            builder.environment().putAll(specs.database().operator());
            Process process = builder.start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return said + "exit code " + process.waitFor();
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** The database as whoever owns the server may change it. */
    Connection superuser() throws SQLException {
        return postgres.superuser("altiplano");
    }

    /** A tenant id that no other journey uses. */
    static String uniqueId(String name) {
        return name + "-" + UUID.randomUUID().toString().substring(0, 8).toLowerCase(Locale.ROOT);
    }

    /** How a service's principal reaches the broker. */
    KafkaConfig kafka(String principal) {
        return kafka.config(principal);
    }

    Topics topics() {
        return TOPICS;
    }

    Path schedulerLog() {
        return dirs.logs().resolve("scheduler.log");
    }

    /** End offsets of a topic's partitions. */
    Map<TopicPartition, Long> endOffsets(String topic) {
        try (var consumer = consumer()) {
            return consumer.endOffsets(consumer.partitionsFor(topic).stream()
                    .map(p -> new TopicPartition(topic, p.partition()))
                    .toList());
        }
    }

    /** The leases granted since the offsets, in order. */
    List<LeaseGranted> grantsSince(Map<TopicPartition, Long> from) {
        List<LeaseGranted> grants = new ArrayList<>();
        try (var consumer = consumer()) {
            consumer.assign(from.keySet());
            Map<TopicPartition, Long> end = consumer.endOffsets(from.keySet());
            from.forEach(consumer::seek);
            while (end.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
                consumer.poll(Duration.ofMillis(200)).forEach(r -> {
                    if (r.value().hasGranted()) {
                        grants.add(r.value().getGranted());
                    }
                });
            }
        }
        return grants;
    }

    private KafkaConsumer<String, JobRecord> consumer() {
        return new KafkaConsumer<>(
                kafka.config(KafkaServer.ADMIN).consumer(), new StringDeserializer(), Topics.JOB.deserializer());
    }

    private void stop() {
        List<AutoCloseable> all = new ArrayList<>(workers);
        all.addAll(services);
        all.parallelStream().forEach(Platform::close);
        workers.clear();
        services.clear();
        close(kafka);
        close(postgres);
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        stop();
        watchdog.close();
    }
}
