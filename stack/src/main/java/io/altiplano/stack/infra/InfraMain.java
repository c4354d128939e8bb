package io.altiplano.stack.infra;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/**
 * The test infrastructure: PostgreSQL, Kafka and Keycloak, fresh at each start on free ports, until SIGTERM or Ctrl-C.
 * Tests find it by {@code infra.properties}, which is there while it is up.
 */
public final class InfraMain {
    private final Path home;
    private final Path file;
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();

    private InfraMain(Path home) {
        this.home = home;
        this.file = home.resolve("infra.properties");
    }

    /** Arguments: its folder, the cache folder, Keycloak's zip. */
    public static void main(String[] args) throws Exception {
        InfraMain infra = new InfraMain(Path.of(args[0]).toAbsolutePath());
        CountDownLatch stop = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            stop.countDown();
                            try {
                                stopped.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        },
                        "stop"));
        int status = 0;
        try {
            infra.start(Path.of(args[1]).toAbsolutePath(), Path.of(args[2]).toAbsolutePath());
            System.out.println("The test infrastructure is up: " + infra.file);
            stop.await();
        } catch (InfraException e) {
            System.err.println("altiplano: " + e.getMessage());
            status = 1;
        } finally {
            infra.stop();
            stopped.countDown();
        }
        Runtime.getRuntime().halt(status);
    }

    private void start(Path cache, Path keycloakZip) throws IOException {
        Dirs dirs = Dirs.under(home, cache);
        file.toFile().delete();
        UnpackedOnce.delete(dirs.data());
        UnpackedOnce.delete(dirs.logs());
        parts.push(Watchdog.over(dirs.run()));
        Secrets secrets = new Secrets(dirs.data().resolve("secrets"));
        List<Integer> ports = Ports.free(5);
        KafkaServer kafka = push(KafkaServer.start(dirs, ports.get(1), ports.get(2), secrets));
        CompletableFuture<KeycloakServer> keycloak = CompletableFuture.supplyAsync(() -> KeycloakServer.start(
                        dirs, keycloakZip, ports.get(3), ports.get(4), "http://127.0.0.1:8080/console", secrets))
                .thenApply(this::push);
        PostgresServer postgres = push(PostgresServer.start(dirs, ports.get(0), secrets.get("postgres.password")));
        postgres.awaitReady();
        System.out.println("PostgreSQL is up on port " + postgres.port());
        kafka.awaitReady();
        try (var admin = kafka.admin()) {
            TopicProvisioner.allowEverything(admin, List.of("gateway", "scheduler", "worker"));
        }
        System.out.println("Kafka is up on port " + kafka.port());
        KeycloakServer identity = keycloak.join().awaitReady();
        System.out.println("Keycloak is up on port " + identity.port());
        Secrets.writePrivately(file, describe(postgres, kafka, identity, secrets), "The running test infrastructure");
    }

    private synchronized <T extends AutoCloseable> T push(T part) {
        parts.push(part);
        return part;
    }

    private synchronized void stop() {
        file.toFile().delete();
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                System.err.println("altiplano: " + e.getMessage());
            }
        }
    }

    private static Properties describe(
            PostgresServer postgres, KafkaServer kafka, KeycloakServer keycloak, Secrets secrets) {
        Properties p = new Properties();
        p.setProperty("postgres.host", "127.0.0.1");
        p.setProperty("postgres.port", Integer.toString(postgres.port()));
        p.setProperty("postgres.superuser", PostgresServer.SUPERUSER);
        p.setProperty("postgres.superuser.password", postgres.password());
        p.setProperty("kafka.bootstrap", kafka.bootstrap());
        p.setProperty("kafka.security", kafka.config(KafkaServer.ADMIN).security());
        p.setProperty("kafka.mechanism", KafkaServer.MECHANISM);
        kafka.passwords().forEach((name, password) -> {
            p.setProperty("kafka." + name + ".username", name);
            p.setProperty("kafka." + name + ".password", password);
        });
        p.setProperty("keycloak.url", keycloak.url());
        p.setProperty("keycloak.realm", KeycloakServer.REALM);
        p.setProperty("keycloak.cli-client", KeycloakServer.CLI_CLIENT);
        for (String user : KeycloakServer.users()) {
            p.setProperty("keycloak.password." + user, secrets.get(KeycloakServer.secretOf(user)));
        }
        return p;
    }
}
