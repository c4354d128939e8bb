package io.altiplano.stack.faults;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.stack.infra.Dirs;
import io.altiplano.stack.infra.KafkaServer;
import io.altiplano.stack.infra.KeycloakServer;
import io.altiplano.stack.infra.ManagedProcess;
import io.altiplano.stack.infra.Ports;
import io.altiplano.stack.infra.PostgresServer;
import io.altiplano.stack.infra.Secrets;
import io.altiplano.stack.infra.TestInfra;
import io.altiplano.stack.infra.TopicProvisioner;
import io.altiplano.stack.infra.Waiting;
import io.altiplano.stack.infra.Watchdog;
import io.altiplano.stack.platform.AdminApi;
import io.altiplano.stack.platform.AotCache;
import io.altiplano.stack.platform.Apps;
import io.altiplano.stack.platform.AuditFiles;
import io.altiplano.stack.platform.Database;
import io.altiplano.stack.platform.Demo;
import io.altiplano.stack.platform.ModelStore;
import io.altiplano.stack.platform.Probe;
import io.altiplano.stack.platform.ServiceSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A whole platform to break: two gateways behind a front door, two schedulers, two workers, and a PostgreSQL, a broker and
 * a Keycloak of its own, each a process that is started again when it ends. The second gateway's database, and the first
 * gateway's, scheduler's and worker's way to Kafka, are {@link Wire}s. The second of each kind is of the {@link NextVersion}, as in
 * the middle of a rollout that is never done.
 */
final class Cluster implements AutoCloseable {
    static final int REPLICAS = 2;
    /** The parts whose Kafka listener is behind a wire of its own. */
    static final List<String> WIRED = List.of("gateway-0", "scheduler-0", "worker-0");

    private static final Topics TOPICS = new Topics("");
    private static final Duration START = Duration.ofSeconds(240);

    private final Path folder;
    private final Dirs dirs;
    private final Secrets secrets;
    private final List<Integer> ports;
    private final Watchdog watchdog;
    private final AuditFiles audit;
    private final List<Apps> versions;
    private final Database database;
    private final AdminApi admin;
    private final PostgresServer postgres;
    private final KafkaServer kafka;
    private final Parts parts = new Parts();
    private final Map<String, Integer> servicePorts = new LinkedHashMap<>();
    private final Map<String, Wire> wires = new LinkedHashMap<>();
    private final Map<String, ShiftedClock> clocks = new LinkedHashMap<>();
    private final FrontDoor door;

    /**
     * Far longer than whatever leaks may be left over for, so that it hides no leak; what a gateway reserved that was then
     * killed is waited for.
     */
    static final Duration RESERVATION_TERM = Duration.ofSeconds(90);

    /** What ports there are, in their order. */
    private enum Port {
        POSTGRES,
        KAFKA,
        CONTROLLER,
        WIRED_0,
        WIRED_1,
        WIRED_2,
        KEYCLOAK,
        KEYCLOAK_MANAGEMENT,
        GATEWAY_0,
        GATEWAY_1,
        SCHEDULER_0,
        SCHEDULER_1,
        WORKER_0,
        WORKER_1
    }

    private Cluster(Path folder) throws IOException, SQLException {
        this.folder = folder;
        Path root = TestInfra.root();
        dirs = Dirs.under(folder, root.resolve(".altiplano/cache"));
        secrets = new Secrets(folder.resolve("secrets"));
        ports = Ports.free(Port.values().length);
        versions = Builds.versions(root, folder);
        new ModelStore(folder.resolve("models")).add(Demo.MODEL, root.resolve("starter-model/model"));
        audit = AuditFiles.under(folder);
        audit.makeKeys();
        database = database(port(Port.POSTGRES));
        watchdog = Watchdog.over(dirs.run());
        List<KafkaServer.Wired> wired = new ArrayList<>();
        for (int i = 0; i < WIRED.size(); i++) {
            int behind = ports.get(Port.WIRED_0.ordinal() + i);
            Wire wire = new Wire(() -> behind);
            wires.put(WIRED.get(i), wire);
            wired.add(new KafkaServer.Wired(behind, wire.port()));
        }
        disks().forEach(SmallDisk::mount);
        wires.put("database", new Wire(() -> port(Port.POSTGRES)));
        parts.start(
                "kafka",
                () -> KafkaServer.start(dirs, port(Port.KAFKA), port(Port.CONTROLLER), secrets, wired)
                        .process());
        parts.start(
                "postgres",
                () -> PostgresServer.start(dirs, port(Port.POSTGRES), secrets.get("superuser"))
                        .process());
        Path zip = Builds.keycloak(root);
        parts.start(
                "keycloak",
                () -> KeycloakServer.start(
                                dirs,
                                zip,
                                port(Port.KEYCLOAK),
                                port(Port.KEYCLOAK_MANAGEMENT),
                                "http://127.0.0.1:1/console",
                                secrets)
                        .process());
        kafka = KafkaServer.of(parts.current("kafka"), port(Port.KAFKA), secrets);
        postgres = new PostgresServer(parts.current("postgres"), port(Port.POSTGRES), secrets.get("superuser"));
        door = new FrontDoor(List.of(port(Port.GATEWAY_0), port(Port.GATEWAY_1)));
        admin = new AdminApi(url() + "/admin/v1", () -> token("admin"));
        startServices();
    }

    /** Starts one in a new folder below the module's target. */
    static Cluster start(Path folder) {
        try {
            Files.createDirectories(folder);
            return new Cluster(folder);
        } catch (IOException | SQLException e) {
            throw new AssertionError(e);
        }
    }

    private void startServices() throws SQLException {
        kafka.awaitReady();
        try (var client = kafka.admin()) {
            new TopicProvisioner(client, TOPICS)
                    .provision(List.of(ServiceSpecs.POOL), TopicProvisioner.Principals.DEFAULT);
        }
        postgres.awaitReady();
        try (Connection superuser = postgres.superuser("postgres")) {
            database.create(superuser, versions.getFirst().gateway());
        }
        List<CompletableFuture<Void>> starting = new ArrayList<>();
        // One after the other: the first lays out the database.
        gateway(0).join();
        starting.add(gateway(1));
        for (int i = 0; i < REPLICAS; i++) {
            int replica = i;
            int scheduler = ports.get(Port.SCHEDULER_0.ordinal() + i);
            int worker = ports.get(Port.WORKER_0.ordinal() + i);
            starting.add(service("scheduler", i, scheduler, Apps::scheduler, specs(i)::scheduler));
            starting.add(service(
                    "worker", i, worker, Apps::worker, () -> specs(replica).worker(replica, worker)));
        }
        starting.forEach(CompletableFuture::join);
        keycloak().awaitReady();
        admin.createModel(Demo.MODEL, Demo.LICENCE, ServiceSpecs.POOL);
        Probe.awaitAnswer(url() + "/v1", newTenant("probe"), Demo.MODEL, START);
        // Each makes its AOT cache of its first run, as in production: all later starts take a fraction of that one.
        CompletableFuture<?>[] again = services().stream()
                .map(name -> CompletableFuture.runAsync(() -> restart(name), Thread::startVirtualThread))
                .toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(again).join();
        Probe.awaitAnswer(url() + "/v1", newTenant("probe-again"), Demo.MODEL, START);
    }

    private CompletableFuture<Void> gateway(int replica) {
        int port = ports.get(Port.GATEWAY_0.ordinal() + replica);
        return service("gateway", replica, port, Apps::gateway, specs(replica)::gateway);
    }

    private CompletableFuture<Void> service(
            String kind, int replica, int port, Function<Apps, Path> app, Supplier<ManagedProcess.Spec> how) {
        String name = kind + "-" + replica;
        ShiftedClock clock =
                new ShiftedClock(folder.resolve("clocks"), TestInfra.root().resolve("stack"), name);
        clocks.put(name, clock);
        servicePorts.put(name, port);
        Map<String, String> more = new LinkedHashMap<>(environment(name));
        more.putAll(clock.environment());
        AtomicReference<ManagedProcess.Spec> before = new AtomicReference<>();
        parts.start(name, () -> {
            ManagedProcess.Spec last = before.get();
            if (last != null) {
                var unused = AotCache.assemble(app.apply(versions.get(replica)), last);
            }
            ManagedProcess.Spec as = how.get();
            before.set(as);
            Map<String, String> environment = new LinkedHashMap<>(as.environment());
            environment.putAll(more);
            return ManagedProcess.start(
                    new ManagedProcess.Spec(name, as.command(), environment, as.stopSignal()), dirs);
        });
        return CompletableFuture.runAsync(
                () -> Probe.awaitReady(parts.current(name), port, START), Thread::startVirtualThread);
    }

    private Map<String, String> environment(String name) {
        Map<String, String> environment = new LinkedHashMap<>();
        if (name.startsWith("scheduler")) {
            environment.put("ALTIPLANO_SCHEDULER_INSTANCE_ID", name);
        }
        if (name.startsWith("gateway")) {
            // As in production: the front door needs a moment to see that a gateway goes.
            environment.put("ALTIPLANO_JOB_FAREWELL", "PT3S");
            environment.put("ALTIPLANO_JOB_LONGEST", "PT85S");
            environment.put("ALTIPLANO_LIMITS_RESERVATION_TERM", RESERVATION_TERM.toString());
        }
        if (name.equals("gateway-1")) {
            environment.put("ALTIPLANO_AUDIT_CHECKPOINTS", secondCheckpoints().toString());
        }
        return environment;
    }

    private Path secondCheckpoints() {
        return folder.resolve("audit/checkpoints-1.jsonl");
    }

    private ServiceSpecs specs(int replica) {
        int databasePort = replica == 1 ? wire("database").port() : port(Port.POSTGRES);
        return new ServiceSpecs(
                versions.get(replica),
                database(databasePort),
                principal -> kafkaOf(principal, replica),
                TOPICS.prefix(),
                issuer(),
                folder.resolve("models"),
                audit,
                dirs.data().resolve("scheduler-" + replica),
                secrets.get("pepper", 32),
                ports.get(Port.GATEWAY_0.ordinal() + replica),
                ports.get(Port.SCHEDULER_0.ordinal() + replica),
                2,
                Map.of(),
                false);
    }

    private Database database(int port) {
        return Database.of(
                "jdbc:postgresql://127.0.0.1:" + port + "/altiplano",
                "altiplano",
                "",
                role -> secrets.get("postgres." + role));
    }

    private KafkaConfig kafkaOf(String principal, int replica) {
        Wire wire = wires.get(principal + "-" + replica);
        return KafkaServer.config(wire == null ? port(Port.KAFKA) : wire.port(), principal, secrets);
    }

    private KeycloakServer keycloak() {
        return new KeycloakServer(parts.current("keycloak"), port(Port.KEYCLOAK), port(Port.KEYCLOAK_MANAGEMENT));
    }

    private int port(Port port) {
        return ports.get(port.ordinal());
    }

    /** The address that clients know. */
    String url() {
        return "http://127.0.0.1:" + door.port();
    }

    /** The processes. */
    Parts parts() {
        return parts;
    }

    /** A wire by its name: database, or one of {@link #WIRED}. */
    Wire wire(String name) {
        Wire wire = wires.get(name);
        if (wire == null) {
            throw new IllegalArgumentException("no wire '" + name + "'; there are " + wires.keySet());
        }
        return wire;
    }

    /** The clock of a service. */
    ShiftedClock clock(String service) {
        ShiftedClock clock = clocks.get(service);
        if (clock == null) {
            throw new IllegalArgumentException("no service '" + service + "'; there are " + clocks.keySet());
        }
        return clock;
    }

    /** Stops a service in order, and waits until its successor is ready. */
    void restart(String name) {
        long before = parts.current(name).pid();
        parts.terminate(name);
        Waiting.until(
                name + " to be another process and ready",
                null,
                START,
                () -> parts.current(name).pid() != before && FrontDoor.ready(servicePort(name)));
    }

    /** The services, in the order in which a rollout takes them. */
    List<String> services() {
        return List.copyOf(servicePorts.keySet());
    }

    /** Opens all wires and waits until every part says that it is ready. */
    void heal() {
        wires.values().forEach(w -> w.set(Wire.Mode.OPEN));
        // Asked of whatever process runs now: the first ones may be long gone.
        Waiting.until("the broker", null, START, () -> {
            KafkaServer.of(parts.current("kafka"), port(Port.KAFKA), secrets).awaitReady();
            return true;
        });
        Waiting.until("PostgreSQL", null, START, () -> {
            try (Connection c = superuser()) {
                return c.isValid(2);
            }
        });
        Waiting.until("Keycloak", null, START, () -> {
            keycloak().awaitReady();
            return true;
        });
        servicePorts.forEach((name, port) -> Waiting.until(name, null, START, () -> FrontDoor.ready(port)));
    }

    /** The port of a service on 127.0.0.1, behind no wire. */
    int servicePort(String service) {
        return servicePorts.getOrDefault(service, 0);
    }

    /** Creates a tenant of the community tier with an attestation and returns a key of it. */
    String newTenant(String id) {
        admin.createTenant(id, id, "community", "ZZ-" + id);
        admin.attest(id, id, 1_000);
        return admin.createKey(id, "faults");
    }

    AdminApi admin() {
        return admin;
    }

    String token(String user) {
        return KeycloakServer.token(issuer(), user, secrets.get(KeycloakServer.secretOf(user)));
    }

    private String issuer() {
        return "http://127.0.0.1:" + port(Port.KEYCLOAK) + "/realms/" + KeycloakServer.REALM;
    }

    Topics topics() {
        return TOPICS;
    }

    KafkaServer kafka() {
        return kafka;
    }

    /** The database as whoever owns the server may change it. */
    Connection superuser() throws SQLException {
        return postgres.superuser("altiplano");
    }

    /** The small file systems that hold PostgreSQL's and the broker's data. */
    List<Path> disks() {
        return List.of(dirs.data().resolve("postgres"), dirs.data().resolve("kafka"));
    }

    /** What {@code audit verify} says if it does not hold; empty if it does. */
    String verifyAudit() {
        return AuditVerification.complaint(versions.getFirst(), audit, secondCheckpoints(), database);
    }

    @Override
    public void close() {
        door.close();
        parts.close(services());
        parts.close();
        wires.values().forEach(Wire::close);
        watchdog.close();
    }
}
