package io.altiplano.stack.cli;

import static io.altiplano.stack.cli.Parts.Stage.GATEWAY;
import static io.altiplano.stack.cli.Parts.Stage.OUTER;
import static io.altiplano.stack.cli.Parts.Stage.SERVICE;
import static io.altiplano.stack.cli.Parts.Stage.WATCH;

import io.altiplano.contracts.Topics;
import io.altiplano.stack.bench.PlatformBench;
import io.altiplano.stack.bench.StartBench;
import io.altiplano.stack.infra.Dirs;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.KafkaServer;
import io.altiplano.stack.infra.KeycloakServer;
import io.altiplano.stack.infra.ManagedProcess;
import io.altiplano.stack.infra.PostgresServer;
import io.altiplano.stack.infra.Secrets;
import io.altiplano.stack.infra.TopicProvisioner;
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
import io.altiplano.stack.platform.Supervised;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * One start: each part as soon as what it stands on is there.
 *
 * <pre>
 * PostgreSQL ── roles, database ─┐
 * Kafka ── topics, access lists ─┼─ gateway ─┐
 *            └── scheduler, workers          ├─ tenants, keys, model (first start) ── a chat answer
 * Keycloak ──────────────────────────────────┘
 * </pre>
 */
final class Start {
    private static final Executor VIRTUAL = Thread::startVirtualThread;

    private final Home home;
    private final Path root;
    private final PortPlan ports;
    private final Parts parts;
    private final Dirs dirs;
    private final Secrets secrets;
    private final Apps apps;
    private final ServiceSpecs specs;
    private final boolean withModel;
    private final long began = System.nanoTime();
    private final Map<String, Supervised> processes = new ConcurrentHashMap<>();
    private final Map<String, Started> started = new ConcurrentHashMap<>();

    private record Started(Path app, Supplier<ManagedProcess.Spec> spec, int port, ManagedProcess.Spec first) {}

    /**
     * One start.
     *
     * @param withModel whether the workers compute answers; if not, a worker without a model stands in for them, for measuring
     */
    Start(Home home, Path root, PortPlan ports, int tensorParallel, Parts parts, boolean withModel) {
        this.withModel = withModel;
        this.home = home;
        this.root = root;
        this.ports = ports;
        this.parts = parts;
        this.dirs = home.dirs();
        this.secrets = home.secrets();
        this.apps = Apps.ofDistribution(home.dist());
        String url = "jdbc:postgresql://127.0.0.1:" + ports.postgres() + "/altiplano";
        this.specs = new ServiceSpecs(
                apps,
                Database.of(url, "altiplano", "", role -> secrets.get("postgres." + role + ".password")),
                principal -> KafkaServer.config(ports.kafka(), principal, secrets),
                "",
                "http://127.0.0.1:" + ports.keycloak() + "/realms/" + KeycloakServer.REALM,
                home.models(),
                AuditFiles.under(home.folder()),
                dirs.data().resolve("scheduler"),
                secrets.get("keys.pepper", 32),
                ports.gateway(),
                ports.scheduler(),
                tensorParallel,
                Map.of(),
                !withModel);
    }

    /** Returns when a chat answer came. */
    void run() {
        parts.add(WATCH, Watchdog.over(dirs.run()));
        specs.audit().makeKeys();
        new ModelStore(home.models()).add(Demo.MODEL, root.resolve("starter-model/model"));
        CompletableFuture<Void> keycloak = async(this::keycloak);
        CompletableFuture<Void> kafka = async(this::kafka);
        CompletableFuture<Void> postgres = async(this::postgres);
        CompletableFuture<Void> scheduler = kafka.thenRunAsync(this::scheduler, VIRTUAL);
        CompletableFuture<Void> workers = kafka.thenRunAsync(this::workers, VIRTUAL);
        CompletableFuture<Void> gateway =
                CompletableFuture.allOf(kafka, postgres).thenRunAsync(this::gateway, VIRTUAL);
        CompletableFuture<Void> all = CompletableFuture.allOf(scheduler, workers, gateway, keycloak);
        // The first failure is the one to tell, without waiting for the rest.
        for (var part : List.of(keycloak, kafka, postgres, scheduler, workers, gateway)) {
            var unused = part.whenComplete((ok, failure) -> {
                if (failure != null) {
                    all.completeExceptionally(failure);
                }
            });
        }
        all.join();
        seed();
        writeEnvironment();
        String key = secrets.find(Demo.PROBE.secret()).orElseThrow();
        String answer = Probe.awaitAnswer(specs.gatewayUrl() + "/v1", key, Demo.MODEL, Duration.ofSeconds(90));
        progress("A chat answer", "\"" + answer.strip().replaceAll("\\s+", " ") + "\"");
    }

    private void keycloak() {
        Path zip = home.dist().resolve("stack/keycloak.zip");
        int[] at = {ports.keycloak(), ports.keycloakManagement()};
        KeycloakServer server = keep(
                () -> KeycloakServer.start(dirs, zip, at[0], at[1], specs.gatewayUrl() + "/console", secrets)
                        .process(),
                OUTER,
                process -> new KeycloakServer(process, at[0], at[1]));
        server.awaitReady();
        progress("Keycloak", server.url());
    }

    private void kafka() {
        KafkaServer server = keep(
                () -> (specs.busy()
                                ? KafkaServer.startBusy(dirs, ports.kafka(), ports.kafkaController(), secrets)
                                : KafkaServer.start(dirs, ports.kafka(), ports.kafkaController(), secrets))
                        .process(),
                OUTER,
                process -> KafkaServer.of(process, ports.kafka(), secrets));
        server.awaitReady();
        server.ensurePrincipals();
        try (var admin = server.admin()) {
            new TopicProvisioner(admin, new Topics(""))
                    .provision(List.of(ServiceSpecs.POOL), TopicProvisioner.Principals.DEFAULT);
        }
        progress("Kafka", server.bootstrap());
    }

    private void postgres() {
        String password = secrets.get("postgres.superuser.password");
        PostgresServer server = keep(
                () -> PostgresServer.start(dirs, ports.postgres(), password).process(),
                OUTER,
                process -> new PostgresServer(process, ports.postgres(), password));
        server.awaitReady();
        try (Connection superuser = server.superuser("postgres")) {
            specs.database().create(superuser, apps.gateway());
        } catch (SQLException e) {
            throw new InfraException("PostgreSQL refused the gateway's roles or database: " + e.getMessage(), e);
        }
        progress("PostgreSQL", "127.0.0.1:" + ports.postgres());
    }

    private void gateway() {
        service(apps.gateway(), specs::gateway, ports.gateway(), GATEWAY);
        progress("Gateway", specs.gatewayUrl());
    }

    private void scheduler() {
        service(apps.scheduler(), specs::scheduler, ports.scheduler(), SERVICE);
        progress("Scheduler", "http://127.0.0.1:" + ports.scheduler());
    }

    private void workers() {
        if (!withModel) {
            parts.add(
                    SERVICE,
                    PlatformBench.worker(
                            KafkaServer.config(ports.kafka(), "worker", secrets), ServiceSpecs.POOL, Demo.MODEL));
            progress("Worker", "without a model");
            return;
        }
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < ports.workers(); i++) {
            int ordinal = i;
            all.add(async(() -> {
                service(
                        apps.worker(),
                        () -> specs.worker(ordinal, ports.worker(ordinal)),
                        ports.worker(ordinal),
                        SERVICE);
                progress(
                        "Worker " + ordinal,
                        "http://127.0.0.1:" + ports.worker(ordinal) + ", tensor parallel " + specs.tensorParallel());
            }));
        }
        CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).join();
    }

    /** Makes what was stopped start more quickly from now on, where this start has recorded how; some seconds, once a build. */
    void learn() {
        CompletableFuture.allOf(started.entrySet().stream()
                        .map(e -> async(() -> {
                            if (AotCache.assemble(
                                    e.getValue().app(), e.getValue().first())) {
                                progress("Learned", e.getKey() + " starts more quickly from now on");
                            }
                        }))
                        .toArray(CompletableFuture[]::new))
                .join();
    }

    private void service(Path app, Supplier<ManagedProcess.Spec> how, int port, Parts.Stage stage) {
        ManagedProcess.Spec spec = how.get();
        ManagedProcess process = keep(() -> ManagedProcess.start(spec, dirs), stage, p -> p);
        Probe.awaitReady(process, port, Duration.ofSeconds(120));
        // Not before: there is nothing to learn from a run that never got so far.
        started.put(spec.name(), new Started(app, how, port, spec));
    }

    private <T> T keep(
            Supplier<ManagedProcess> start, Parts.Stage stage, java.util.function.Function<ManagedProcess, T> view) {
        Supervised supervised = Supervised.start(start, line -> System.out.println("  " + line));
        parts.add(stage, supervised);
        processes.put(supervised.current().name(), supervised);
        return view.apply(supervised.current());
    }

    /** The demo tenants with their attestations, keys and owners, and the starter model with its price, where they are missing. */
    private void seed() {
        AdminApi admin = new AdminApi(
                specs.gatewayUrl() + "/admin/v1",
                () -> KeycloakServer.token(specs.issuer(), "admin", secrets.get(KeycloakServer.secretOf("admin"))));
        if (secrets.find("seeded").isPresent()) {
            return;
        }
        List<Demo.Tenant> tenants = new ArrayList<>(Demo.TENANTS);
        tenants.add(Demo.PROBE);
        for (Demo.Tenant tenant : tenants) {
            if (secrets.find(tenant.secret()).isEmpty()) {
                admin.createTenant(tenant.id(), tenant.name(), tenant.tier(), tenant.registrationNumber());
                admin.attest(tenant.id(), tenant.name(), tenant.monthlyActiveUsers());
                secrets.put(tenant.secret(), admin.createKey(tenant.id(), "demo"));
            }
            if (!tenant.owner().isEmpty()) {
                String token = KeycloakServer.token(
                        specs.issuer(), tenant.owner(), secrets.get(KeycloakServer.secretOf(tenant.owner())));
                admin.makeOwner(tenant.id(), KeycloakServer.subject(token), tenant.owner());
            }
        }
        if (!withModel) {
            // What is measured is the work of limits, not their refusals.
            admin.plan(Demo.PROBE.tier(), 1_000_000, 1_000_000_000, 4_096);
        }
        if (admin.createModel(Demo.MODEL, Demo.LICENCE, ServiceSpecs.POOL)) {
            admin.price(Demo.MODEL, "0.10", "0.05", "0.30", "0.05", "0.50");
        }
        secrets.put("seeded", "true");
        progress(
                "Demo tenants",
                String.join(", ", Demo.TENANTS.stream().map(Demo.Tenant::id).toList()));
    }

    /** A benchmark over what was started. */
    PlatformBench bench() {
        String key = secrets.find(Demo.PROBE.secret()).orElseThrow();
        Map<String, Supplier<ManagedProcess>> current = new TreeMap<>();
        processes.forEach((name, process) -> current.put(name, process::current));
        return new PlatformBench(ports.gateway(), key, Demo.MODEL, current);
    }

    /** A benchmark of the starts of what was started. */
    StartBench startBench() {
        return new StartBench(
                dirs,
                Stream.of("worker-0", "scheduler", "gateway")
                        .map(name -> {
                            Started s = Objects.requireNonNull(started.get(name), name);
                            Supervised running = Objects.requireNonNull(processes.get(name), name);
                            return new StartBench.Service(s.app(), s.spec(), s.port(), running);
                        })
                        .toList());
    }

    private void writeEnvironment() {
        StringBuilder text = new StringBuilder();
        export(text, "ALTIPLANO_BASE_URL", specs.gatewayUrl() + "/v1");
        export(
                text,
                "ALTIPLANO_API_KEY",
                secrets.find(Demo.TENANTS.getFirst().secret()).orElseThrow());
        export(text, "ALTIPLANO_ADMIN_URL", specs.gatewayUrl() + "/admin/v1");
        export(text, "ALTIPLANO_CONSOLE_URL", specs.gatewayUrl() + "/console");
        export(text, "ALTIPLANO_OIDC_URL", specs.issuer());
        for (Demo.Tenant tenant : Demo.TENANTS) {
            export(text, tenant.variable(), secrets.find(tenant.secret()).orElseThrow());
        }
        Secrets.writePrivately(home.env(), text.toString());
    }

    private static void export(StringBuilder text, String name, String value) {
        text.append("export ").append(name).append('=').append(value).append('\n');
    }

    private CompletableFuture<Void> async(Runnable part) {
        return CompletableFuture.runAsync(part, VIRTUAL);
    }

    private void progress(String part, String where) {
        System.out.printf("  %6.1f s  %-14s %s%n", (System.nanoTime() - began) / 1e9, part, where);
    }
}
