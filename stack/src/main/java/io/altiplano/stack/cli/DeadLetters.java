package io.altiplano.stack.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetterClosed;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.KafkaServer;
import io.altiplano.stack.platform.DeadLetterDesk;
import io.altiplano.stack.platform.DeadLetterDesk.Letter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what services could not take in, and delivers it again. */
@Command(name = "dead-letters", description = "Lists, replays and discards what services could not take in.")
final class DeadLetters implements Runnable {
    private static final String PASSWORD = "ALTIPLANO_KAFKA_OPERATOR_PASSWORD";

    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Option(names = "--bootstrap")
    private String bootstrap = "";

    @Option(names = "--security", defaultValue = "SASL_SSL")
    private String security = "";

    @Option(names = "--mechanism", defaultValue = KafkaServer.MECHANISM)
    private String mechanism = "";

    @Option(names = "--user", defaultValue = "operator")
    private String user = "";

    @Option(names = "--prefix", defaultValue = "")
    private String prefix = "";

    @Option(names = "--all")
    private boolean all;

    @Option(names = "--json")
    private boolean json;

    @Option(names = "--reason")
    private String reason = "";

    @Parameters(index = "0")
    private String act = "";

    @Parameters(index = "1..*")
    private List<String> ids = new ArrayList<>();

    @Override
    public void run() {
        if (!List.of("list", "replay", "discard").contains(act)) {
            throw new InfraException("dead-letters knows list, replay and discard, not '" + act + "'");
        }
        if (act.equals("discard") && reason.isBlank()) {
            throw new InfraException("discard needs --reason: what is thrown away is explained");
        }
        if (!act.equals("list") && all == !ids.isEmpty()) {
            throw new InfraException(
                    act + " takes letters' names (./altiplano dead-letters list) or --all, one of them");
        }
        try (DeadLetterDesk desk = new DeadLetterDesk(kafka(), new Topics(prefix), Clock.systemUTC())) {
            if (act.equals("list")) {
                list(desk);
            } else {
                chosen(desk).forEach(letter -> act(desk, letter));
            }
        }
    }

    private void act(DeadLetterDesk desk, Letter letter) {
        if (act.equals("discard")) {
            desk.discard(letter, reason);
            System.out.println("Discarded " + letter.id());
            return;
        }
        LogPointer at = desk.replay(letter);
        System.out.println("Replayed " + letter.id() + " to offset " + at.getOffset());
    }

    private List<Letter> chosen(DeadLetterDesk desk) {
        List<Letter> known = desk.letters();
        if (all) {
            return known.stream().filter(Letter::open).toList();
        }
        return ids.stream()
                .map(id -> known.stream()
                        .filter(l -> l.id().equals(id))
                        .findFirst()
                        .orElseThrow(() -> new InfraException(
                                "no dead letter '" + id + "'; ./altiplano dead-letters list --all tells all names")))
                .toList();
    }

    private void list(DeadLetterDesk desk) {
        List<Letter> shown =
                desk.letters().stream().filter(l -> all || l.open()).toList();
        for (Letter letter : shown) {
            System.out.println(json ? json(letter) : line(letter));
        }
        if (!json) {
            long open = shown.stream().filter(Letter::open).count();
            System.out.println(open == 0 ? "No dead letter is open." : open + " open.");
        }
    }

    private static String line(Letter l) {
        return "%s  %s  %s  %s  %s: %s"
                .formatted(
                        Instant.ofEpochMilli(l.first().getAtMs()),
                        l.id(),
                        l.first().getReader(),
                        state(l),
                        reason(l),
                        l.first().getMessage());
    }

    private static String state(Letter l) {
        DeadLetterClosed closed = l.closed();
        return closed == null ? "open" : closed.hasReplayedAt() ? "replayed" : "discarded";
    }

    private static String reason(Letter l) {
        return l.first()
                .getReason()
                .name()
                .substring("DEAD_LETTER_REASON_".length())
                .toLowerCase(Locale.ROOT);
    }

    private static String json(Letter l) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", l.id())
                .put("reader", l.first().getReader())
                .put("topic", l.first().getTopic())
                .put("partition", l.first().getPartition())
                .put("offset", l.first().getOffset())
                .put("reason", reason(l))
                .put("message", l.first().getMessage())
                .put("at", Instant.ofEpochMilli(l.first().getAtMs()).toString())
                .put("state", state(l));
        DeadLetterClosed closed = l.closed();
        if (closed != null) {
            node.put("note", closed.getNote());
        }
        return node.toString();
    }

    /** The Kafka that the options name, or this platform's. */
    private KafkaConfig kafka() {
        Home here = new Home(home.toAbsolutePath());
        if (bootstrap.isEmpty()) {
            int gateway = URI.create(here.variable("ALTIPLANO_BASE_URL")).getPort();
            return KafkaServer.config(new PortPlan(gateway, 1).kafka(), "operator", here.secrets());
        }
        String password = System.getenv(PASSWORD);
        if (password == null && !security.equals("PLAINTEXT")) {
            throw new InfraException("--bootstrap needs the operator's password in " + PASSWORD);
        }
        return new KafkaConfig(bootstrap, security, mechanism, user, password == null ? "" : password);
    }
}
