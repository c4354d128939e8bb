package io.altiplano.stack.infra;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Creates the topics and access lists of a prefix on the broker that an infra.properties names. */
@Command(
        name = "topics",
        mixinStandardHelpOptions = true,
        description = "Creates the platform's topics and access lists.")
public final class TopicsMain implements Runnable {
    @Option(names = "--infra", required = true, description = "The infra.properties of a running infrastructure.")
    private Path infra = Path.of("");

    @Option(names = "--prefix", defaultValue = "", description = "Put before every topic's name.")
    private String prefix = "";

    @Option(names = "--pool", defaultValue = "default", description = "Model pools; repeat for several.")
    private List<String> pools = List.of("default");

    @Override
    public void run() {
        Properties p = new Properties();
        try (var in = Files.newBufferedReader(infra)) {
            p.load(in);
        } catch (java.io.IOException e) {
            throw new InfraException("cannot read " + infra + ": start it with ./altiplano infra", e);
        }
        KafkaConfig config = new KafkaConfig(
                p.getProperty("kafka.bootstrap"),
                p.getProperty("kafka.security"),
                p.getProperty("kafka.mechanism"),
                p.getProperty("kafka.admin.username"),
                p.getProperty("kafka.admin.password"));
        try (Admin admin = Admin.create(config.common())) {
            new TopicProvisioner(admin, new Topics(prefix)).provision(pools, TopicProvisioner.Principals.DEFAULT);
        }
    }

    /** See {@code --help}. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new TopicsMain()).execute(args));
    }
}
