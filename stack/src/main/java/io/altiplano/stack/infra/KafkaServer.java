package io.altiplano.stack.infra;

import io.altiplano.contracts.KafkaConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;

/**
 * A Kafka broker and controller in a JVM of its own ({@link KafkaMain}). Clients authenticate by SCRAM-SHA-512 as
 * admin, gateway, scheduler or worker; what has no access list is refused, but for admin.
 *
 * @param process the JVM
 * @param port of the clients' listener on 127.0.0.1
 * @param passwords by principal
 */
public record KafkaServer(ManagedProcess process, int port, Map<String, String> passwords) implements AutoCloseable {
    /** The principal that no access list binds. */
    public static final String ADMIN = "admin";

    /** The principals that the broker knows from its first start. */
    public static final List<String> PRINCIPALS = List.of(ADMIN, "gateway", "scheduler", "worker", "operator");

    /** The SASL mechanism of the clients' listener. */
    public static final String MECHANISM = "SCRAM-SHA-512";

    /**
     * A further listener for clients, who are told to come by another port: what stands between can cut or delay them.
     *
     * @param port of the listener on 127.0.0.1
     * @param advertised the port on 127.0.0.1 that clients of this listener are sent to
     */
    public record Wired(int port, int advertised) {}

    /**
     * Starts it on {@code dirs.data()/kafka} without waiting; see {@link #awaitReady}. Passwords take effect when that
     * folder is formatted, at the first start.
     */
    public static KafkaServer start(Dirs dirs, int port, int controllerPort, Secrets secrets) {
        return start(dirs, port, controllerPort, secrets, List.of());
    }

    /** The same for a lasting load: with all compilers, which take their time. */
    public static KafkaServer startBusy(Dirs dirs, int port, int controllerPort, Secrets secrets) {
        return start(dirs, port, controllerPort, secrets, List.of(), List.of("-Xms256m", "-Xmx512m"));
    }

    /** The same with further listeners. */
    public static KafkaServer start(Dirs dirs, int port, int controllerPort, Secrets secrets, List<Wired> wired) {
        return start(
                dirs, port, controllerPort, secrets, wired, List.of("-Xms128m", "-Xmx320m", "-XX:TieredStopAtLevel=1"));
    }

    private static KafkaServer start(
            Dirs dirs, int port, int controllerPort, Secrets secrets, List<Wired> wired, List<String> jvm) {
        Map<String, String> passwords = new LinkedHashMap<>();
        for (String principal : PRINCIPALS) {
            passwords.put(principal, secrets.get(secretOf(principal)));
        }
        Path data = dirs.data().resolve("kafka");
        Properties config = new Properties();
        String adminPassword = secrets.get(secretOf(ADMIN));
        properties(data, port, controllerPort, adminPassword).forEach(config::setProperty);
        listenAlso(config, port, wired, adminPassword);
        passwords.forEach((name, password) -> config.setProperty("altiplano.scram." + name, password));
        Path file = dirs.data().resolve("kafka.properties");
        Secrets.writePrivately(file, config, "Written at every start");
        List<String> options = new ArrayList<>(jvm);
        options.addAll(List.of("-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"));
        List<String> command = JavaCommand.of(KafkaMain.class, options, List.of(file.toString()));
        return new KafkaServer(
                ManagedProcess.start(ManagedProcess.Spec.of("kafka", command, Map.of()), dirs), port, passwords);
    }

    /** The broker that runs as a process, as {@link #start} started it. */
    public static KafkaServer of(ManagedProcess process, int port, Secrets secrets) {
        Map<String, String> passwords = new LinkedHashMap<>();
        for (String principal : PRINCIPALS) {
            passwords.put(principal, secrets.get(secretOf(principal)));
        }
        return new KafkaServer(process, port, passwords);
    }

    /** How a principal reaches the broker on a port, whether or not it runs yet. */
    public static KafkaConfig config(int port, String principal, Secrets secrets) {
        if (!PRINCIPALS.contains(principal)) {
            throw new IllegalArgumentException("no Kafka principal '" + principal + "'; there are " + PRINCIPALS);
        }
        return new KafkaConfig(
                "127.0.0.1:" + port, "SASL_PLAINTEXT", MECHANISM, principal, secrets.get(secretOf(principal)));
    }

    /** The name of a principal's password among the secrets. */
    public static String secretOf(String principal) {
        return "kafka." + principal + ".password";
    }

    /** Waits until the broker answers its administrator. */
    public KafkaServer awaitReady() {
        Waiting.until("Kafka on port " + port, process, Duration.ofSeconds(90), () -> {
            if (Ports.isFree(port)) {
                return false;
            }
            try (Admin admin = admin()) {
                return !admin.describeCluster()
                        .nodes()
                        .get(20, TimeUnit.SECONDS)
                        .isEmpty();
            }
        });
        return this;
    }

    /** Makes the principals known that this version has and the broker's data, formatted by an earlier one, may not. */
    public void ensurePrincipals() {
        List<UserScramCredentialAlteration> known = new ArrayList<>();
        passwords.forEach((name, password) -> known.add(new UserScramCredentialUpsertion(
                name, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password)));
        try (Admin admin = admin()) {
            admin.alterUserScramCredentials(known).all().get(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted while telling Kafka its principals", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new InfraException("Kafka did not take its principals: " + e.getMessage(), e);
        }
    }

    /** host:port. */
    public String bootstrap() {
        return "127.0.0.1:" + port;
    }

    /** How a principal reaches it. */
    public KafkaConfig config(String principal) {
        String password = passwords.get(principal);
        if (password == null) {
            throw new IllegalArgumentException("no Kafka principal '" + principal + "'; there are " + PRINCIPALS);
        }
        return new KafkaConfig(bootstrap(), "SASL_PLAINTEXT", MECHANISM, principal, password);
    }

    /** The administrator's client. */
    public Admin admin() {
        return Admin.create(config(ADMIN).common());
    }

    @Override
    public void close() {
        process.stop(Duration.ofSeconds(20));
    }

    private static String scram(String adminPassword) {
        return "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"admin\" password=\""
                + adminPassword + "\";";
    }

    private static void listenAlso(Properties config, int port, List<Wired> wired, String adminPassword) {
        StringBuilder listeners = new StringBuilder(config.getProperty("listeners"));
        StringBuilder protocols = new StringBuilder(config.getProperty("listener.security.protocol.map"));
        StringBuilder advertised = new StringBuilder("CLIENT://127.0.0.1:" + port);
        for (int i = 0; i < wired.size(); i++) {
            Wired w = wired.get(i);
            listeners.append(",WIRED").append(i).append("://127.0.0.1:").append(w.port());
            advertised.append(",WIRED").append(i).append("://127.0.0.1:").append(w.advertised());
            protocols.append(",WIRED").append(i).append(":SASL_PLAINTEXT");
            config.setProperty("listener.name.wired" + i + ".scram-sha-512.sasl.jaas.config", scram(adminPassword));
        }
        config.setProperty("listeners", listeners.toString());
        config.setProperty("listener.security.protocol.map", protocols.toString());
        config.setProperty("advertised.listeners", advertised.toString());
    }

    private static Map<String, String> properties(Path data, int port, int controllerPort, String adminPassword) {
        String scram = scram(adminPassword);
        // Controllers know no SCRAM: they authenticate before there is metadata that could hold its credentials.
        String plain = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\""
                + adminPassword + "\" user_admin=\"" + adminPassword + "\";";
        Map<String, String> p = new LinkedHashMap<>();
        p.put("process.roles", "broker,controller");
        p.put("node.id", "1");
        p.put("controller.quorum.voters", "1@127.0.0.1:" + controllerPort);
        p.put("listeners", "CLIENT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controllerPort);
        p.put("listener.security.protocol.map", "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT");
        p.put("inter.broker.listener.name", "CLIENT");
        p.put("controller.listener.names", "CONTROLLER");
        p.put("sasl.enabled.mechanisms", MECHANISM);
        p.put("sasl.mechanism.inter.broker.protocol", MECHANISM);
        p.put("sasl.mechanism.controller.protocol", "PLAIN");
        p.put("listener.name.client.scram-sha-512.sasl.jaas.config", scram);
        p.put("listener.name.controller.sasl.enabled.mechanisms", "PLAIN");
        p.put("listener.name.controller.plain.sasl.jaas.config", plain);
        p.put("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
        p.put("super.users", "User:" + ADMIN);
        p.put("allow.everyone.if.no.acl.found", "false");
        p.put("auto.create.topics.enable", "false");
        p.put("log.dirs", data.toString());
        for (String internal : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
            p.put(internal + ".replication.factor", "1");
            p.put(internal + ".num.partitions", "4");
        }
        p.put("transaction.state.log.min.isr", "1");
        p.put("share.coordinator.state.topic.min.isr", "1");
        p.put("default.replication.factor", "1");
        p.put("group.initial.rebalance.delay.ms", "0");
        p.put("num.network.threads", "2");
        p.put("num.io.threads", "4");
        p.put("background.threads", "2");
        p.put("log.cleaner.dedupe.buffer.size", "8388608");
        p.put("log.segment.bytes", "67108864");
        p.put("log.index.size.max.bytes", "1048576");
        return p;
    }
}
