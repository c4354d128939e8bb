package io.altiplano.stack.infra;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.MetadataVersion;

/** The broker's process: formats its folder at the first start, then serves until SIGTERM. */
public final class KafkaMain {
    private static final String SCRAM = "altiplano.scram.";

    private KafkaMain() {}

    /** One argument, the properties file that {@link KafkaServer} wrote. */
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        try (var in = Files.newBufferedReader(Path.of(args[0]))) {
            config.load(in);
        }
        List<String> scram = new ArrayList<>();
        for (String name : List.copyOf(config.stringPropertyNames())) {
            if (name.startsWith(SCRAM)) {
                String password = config.getProperty(name);
                scram.add(KafkaServer.MECHANISM + "=[name=" + name.substring(SCRAM.length()) + ",password=" + password
                        + "]");
                config.remove(name);
            }
        }
        format(config, scram);
        KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(config, false), Time.SYSTEM);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown, "stop"));
        server.startup();
        server.awaitShutdown();
    }

    private static void format(Properties config, List<String> scram) throws Exception {
        String folder = config.getProperty("log.dirs");
        if (Files.exists(Path.of(folder, "meta.properties"))) {
            return;
        }
        new Formatter()
                .setSupportedFeatures(Feature.PRODUCTION_FEATURES)
                .setNodeId(Integer.parseInt(config.getProperty("node.id")))
                .setClusterId(Uuid.randomUuid().toString())
                .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
                .setControllerListenerName("CONTROLLER")
                .setScramArguments(scram)
                .setDirectories(List.of(folder))
                .setMetadataLogDirectory(folder)
                .run();
    }
}
