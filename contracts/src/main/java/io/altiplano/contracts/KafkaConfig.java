package io.altiplano.contracts;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * How a service reaches Kafka as its own principal, and the client settings that the platform's latency rests on.
 *
 * @param bootstrapServers host:port, comma-separated
 * @param security "PLAINTEXT", "SASL_PLAINTEXT" or "SASL_SSL"; SASL means SCRAM-SHA-512 or PLAIN by {@code mechanism}
 * @param mechanism SASL mechanism, ignored for PLAINTEXT
 * @param username the service's principal, ignored for PLAINTEXT
 * @param password its password, ignored for PLAINTEXT
 */
public record KafkaConfig(
        String bootstrapServers, String security, String mechanism, String username, String password) {

    /** The properties every client of this principal shares. */
    public Map<String, Object> common() {
        Map<String, Object> p = new HashMap<>();
        p.put("bootstrap.servers", bootstrapServers);
        p.put("security.protocol", security);
        if (security.startsWith("SASL")) {
            String module = mechanism.toUpperCase(Locale.ROOT).startsWith("SCRAM")
                    ? "org.apache.kafka.common.security.scram.ScramLoginModule"
                    : "org.apache.kafka.common.security.plain.PlainLoginModule";
            p.put("sasl.mechanism", mechanism);
            p.put(
                    "sasl.jaas.config",
                    module + " required username=\"" + quote(username) + "\" password=\"" + quote(password) + "\";");
        }
        return p;
    }

    /**
     * A producer that never waits to fill a batch (linger 0) and never loses or doubles a record (idempotent, all acks). A broker is
     * sent one request at a time: what comes meanwhile goes together in the next, so that the busier it gets the less a record
     * costs.
     */
    public Map<String, Object> producer() {
        Map<String, Object> p = common();
        p.put("acks", "all");
        p.put("enable.idempotence", true);
        p.put("linger.ms", 0);
        p.put("batch.size", 65536);
        p.put("max.in.flight.requests.per.connection", 1);
        p.put("compression.type", "none");
        p.put("delivery.timeout.ms", 30000);
        p.put("request.timeout.ms", 10000);
        return p;
    }

    /** A consumer that is handed a record as soon as there is one; offsets are the caller's. */
    public Map<String, Object> consumer() {
        Map<String, Object> p = common();
        p.put("enable.auto.commit", false);
        p.put("fetch.min.bytes", 1);
        p.put("auto.offset.reset", "earliest");
        p.put("allow.auto.create.topics", false);
        return p;
    }

    private static String quote(String s) {
        return s.replace("\\", "\\\\").replace("\"", "\\\"");
    }

    /** The password stays out of logs. */
    @Override
    public String toString() {
        return "KafkaConfig[" + bootstrapServers + ", " + security + ", " + username + "]";
    }
}
