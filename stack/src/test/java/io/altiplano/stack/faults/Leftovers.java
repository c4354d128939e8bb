package io.altiplano.stack.faults;

import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.stack.infra.PlainHttp;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What a platform holds while nobody asks anything of it: by I9 it should be nothing. */
final class Leftovers implements AutoCloseable {
    /** Of these each process has its own from its start. */
    private static final Map<String, List<String>> ALWAYS = Map.of(
            "gateway", List.of("altiplano_streams_open"),
            "scheduler",
                    List.of(
                            "altiplano_scheduler_jobs_waiting",
                            "altiplano_scheduler_jobs_leased",
                            "altiplano_scheduler_jobs_unfinished"));
    /** These a worker has from a model's first step. */
    private static final List<String> SINCE_WORK =
            List.of("altiplano_worker_sequences_running", "altiplano_worker_sequences_waiting");
    /** Tables whose rows are work under way; those that a build does not have are passed over. */
    private static final Map<String, String> ROWS = Map.of(
            "reservation", "running OR held",
            "right_withdrawal", "published_at IS NULL",
            "idempotent_request", "answer IS NULL",
            // Of the present period; what a past one holds is of no account.
            "limit_use", """
                    running <> 0 OR (day_held <> 0 AND day = (now() AT TIME ZONE 'UTC')::date)
                        OR ((month_held <> 0 OR spent_held <> 0) AND month = date_trunc('month', now() AT TIME ZONE 'UTC')::date)
                    """);

    private final Cluster cluster;
    private final HttpClient http = PlainHttp.client();

    Leftovers(Cluster cluster) {
        this.cluster = cluster;
    }

    /** What is held now: a name and an amount, only where that is not 0. */
    Map<String, Long> now() {
        Map<String, Long> held = new LinkedHashMap<>();
        for (String service : List.of("gateway", "scheduler", "worker")) {
            for (int i = 0; i < Cluster.REPLICAS; i++) {
                scrape(service + "-" + i, held);
            }
        }
        blocks(held);
        return held;
    }

    private void scrape(String service, Map<String, Long> into) {
        try {
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + cluster.servicePort(service) + "/q/metrics"))
                    .build();
            String body = http.sendAsync(request, HttpResponse.BodyHandlers.ofString())
                    .get(5, TimeUnit.SECONDS)
                    .body();
            read(service, body, into);
        } catch (ExecutionException | TimeoutException e) {
            into.put(service + " does not answer: " + e, 1L);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** What a service's metrics page says that it holds; a gauge that is not there says nothing, and is told too. */
    static void read(String service, String page, Map<String, Long> into) {
        List<String> always = ALWAYS.getOrDefault(service.replaceFirst("-.*", ""), List.of());
        Set<String> missing = new HashSet<>(always);
        for (String line : page.lines().toList()) {
            String name = line.replaceFirst("[{ ].*", "");
            missing.remove(name);
            if (always.contains(name) || SINCE_WORK.contains(name)) {
                long amount = Math.round(Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)));
                if (amount != 0) {
                    into.merge(service + " " + name, amount, Long::sum);
                }
            }
        }
        missing.forEach(name -> into.put(service + " has no gauge " + name, 1L));
    }

    /** By each worker's last heartbeat: attempts it runs, KV blocks it holds. */
    private void blocks(Map<String, Long> into) {
        Collection<WorkerHeartbeat> beats = Replay.lastHeartbeats(cluster).values();
        if (beats.size() < Cluster.REPLICAS) {
            into.put("workers without a heartbeat", (long) Cluster.REPLICAS - beats.size());
        }
        for (WorkerHeartbeat beat : beats) {
            long missing = beat.getTotalKvBlocks() - beat.getFreeKvBlocks();
            if (missing != 0) {
                into.put(beat.getWorkerId() + " KV blocks held", missing);
            }
            if (beat.getRunningCount() != 0) {
                into.put(beat.getWorkerId() + " attempts running", (long) beat.getRunningCount());
            }
        }
    }

    /** Rows of work under way in the database. */
    static Map<String, Long> rows(Connection database) throws SQLException {
        Map<String, Long> held = new LinkedHashMap<>();
        for (Map.Entry<String, String> table : ROWS.entrySet()) {
            try (var exists = database.prepareStatement("SELECT to_regclass('public.' || ?)")) {
                exists.setString(1, table.getKey());
                try (ResultSet row = exists.executeQuery()) {
                    row.next();
                    if (row.getString(1) == null) {
                        continue;
                    }
                }
            }
            try (var statement = database.createStatement();
                    ResultSet row = statement.executeQuery(
                            "SELECT count(*) FROM " + table.getKey() + " WHERE " + table.getValue())) {
                row.next();
                if (row.getLong(1) != 0) {
                    held.put("rows of " + table.getKey(), row.getLong(1));
                }
            }
        }
        return held;
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
