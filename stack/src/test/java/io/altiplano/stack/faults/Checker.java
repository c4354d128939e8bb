package io.altiplano.stack.faults;

import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.stack.faults.Finding.Invariant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Holds the evidence of a fault run against the invariants I1 to I9. It trusts no service: jobs are what clients saw and
 * what {@code submissions} holds, their states are read from {@code jobs} by the rule of the log (the first terminal
 * record wins), and counts are the clients' own.
 */
final class Checker {
    /**
     * What a request without a fault may be refused with: its body came too late (408), its tenant's limits (429), a part that is away
     * (503). Whoever is told that the request, its key or its model is wrong (any other 4xx) is told so of the platform's faults.
     */
    private static final Set<Integer> BUSY = Set.of(408, 429, 503);

    private final Evidence evidence;
    private final List<Finding> findings = new ArrayList<>();
    private final Map<String, JobFinished> terminal = new LinkedHashMap<>();
    private final Map<String, List<Evidence.Entry>> entries;
    private long largestCancelWindow;
    private int withoutClient;

    private Checker(Evidence evidence) {
        this.evidence = evidence;
        this.entries = evidence.ledger().stream()
                .collect(Collectors.groupingBy(e -> e.job().toString()));
    }

    /**
     * What was found.
     *
     * @param findings broken invariants
     * @param jobs terminal states counted
     * @param largestCancelWindow most tokens billed beyond what a client that hung up had received
     * @param withoutClient succeeded jobs whose client never learned their id: its connection broke before
     */
    record Result(List<Finding> findings, int jobs, long largestCancelWindow, int withoutClient) {}

    static Result check(Evidence evidence) {
        Checker checker = new Checker(evidence);
        checker.log();
        checker.terminals();
        checker.keys();
        checker.bills();
        checker.tenants();
        checker.answers();
        checker.quotas();
        checker.rest();
        return new Result(
                List.copyOf(checker.findings),
                checker.terminal.size(),
                checker.largestCancelWindow,
                checker.withoutClient);
    }

    private void found(Invariant invariant, String what, Object... values) {
        findings.add(new Finding(invariant, String.format(what, values)));
    }

    /** I6, by the log's own rule: what comes after a job's first terminal record, or repeats an epoch, has no effect. */
    private void log() {
        Map<String, Integer> epochs = new HashMap<>();
        for (JobRecord record : evidence.log()) {
            if (record.hasFinished()) {
                terminal.putIfAbsent(record.getFinished().getJobId(), record.getFinished());
            } else if (record.hasGranted()) {
                String job = record.getGranted().getJobId();
                int epoch = record.getGranted().getEpoch();
                int before = epochs.getOrDefault(job, 0);
                if (epoch > before + 1 && !terminal.containsKey(job)) {
                    found(Invariant.I6, "job %s: epoch %d was granted after epoch %d", job, epoch, before);
                }
                epochs.merge(job, epoch, Math::max);
            } else if (record.hasExpired()) {
                String job = record.getExpired().getJobId();
                int epoch = record.getExpired().getEpoch();
                if (epoch > epochs.getOrDefault(job, 0)) {
                    found(Invariant.I6, "job %s: epoch %d expired and had not been granted", job, epoch);
                }
            }
        }
        for (Map.Entry<String, JobFinished> e : terminal.entrySet()) {
            Integer granted = epochs.get(e.getKey());
            if (e.getValue().getOutcome() == JobOutcome.JOB_OUTCOME_SUCCEEDED && granted == null) {
                found(Invariant.I6, "job %s succeeded and was never granted", e.getKey());
            }
        }
    }

    /** I1: what a client was promised, and what was submitted at all, has ended. */
    private void terminals() {
        Set<String> accepted = new HashSet<>(evidence.submitted().keySet());
        evidence.seen().stream().filter(Seen::accepted).forEach(s -> accepted.add(String.valueOf(s.job())));
        accepted.removeAll(evidence.planted());
        for (String job : accepted) {
            if (!terminal.containsKey(job)) {
                found(Invariant.I1, "job %s was accepted and has no terminal state", job);
            }
        }
        for (Map.Entry<String, JobFinished> e : terminal.entrySet()) {
            if (!evidence.submitted().containsKey(e.getKey())
                    && !evidence.planted().contains(e.getKey())) {
                found(Invariant.I1, "job %s ended and was never submitted", e.getKey());
            }
        }
        Map<String, Integer> promised = new HashMap<>();
        Set<String> again = new HashSet<>();
        for (Seen s : evidence.seen()) {
            if (s.end() == Seen.End.WHOLE && (s.key() == null || again.add(s.key() + s.job()))) {
                promised.merge(String.valueOf(s.job()), 1, Integer::sum);
            }
        }
        promised.forEach((job, times) -> {
            if (times > 1) {
                found(Invariant.I1, "job %s was answered to %d requests", job, times);
            }
        });
        for (Seen s : evidence.seen()) {
            if (s.end() == Seen.End.REFUSED && !BUSY.contains(s.status())) {
                found(Invariant.I1, "a request was answered with status %d %s", s.status(), s.code());
            }
            if (s.end() == Seen.End.REFUSED && (s.status() == 503 || s.status() == 429) && !s.retryAfter()) {
                found(Invariant.I1, "status %d %s came without Retry-After", s.status(), s.code());
            }
        }
    }

    /** I1 and I2 of requests under one Idempotency-Key: one answer, of one job, however often it was asked for. */
    private void keys() {
        Map<String, List<Seen>> keys = evidence.seen().stream()
                .filter(s -> s.key() != null)
                .sorted(Comparator.comparingLong(Seen::endNanos))
                .collect(Collectors.groupingBy(s -> String.valueOf(s.key()), LinkedHashMap::new, Collectors.toList()));
        keys.forEach((key, asked) -> {
            Seen last = asked.getLast();
            boolean answered = asked.stream().anyMatch(s -> s.end() == Seen.End.WHOLE);
            // A tenant that has had enough is refused before its key is known, and never after.
            if (last.end() != Seen.End.WHOLE && (answered || last.status() != Seen.TOO_MUCH)) {
                found(
                        Invariant.I1,
                        "Idempotency-Key %s: asked %d times, %s, at last %s",
                        key,
                        asked.size(),
                        answered ? "answered and then no more" : "never answered",
                        last);
            }
        });
        Map<String, Set<String>> paid = new HashMap<>();
        for (Evidence.Entry entry : evidence.ledger()) {
            String job = entry.job().toString();
            Evidence.Submitted submitted = evidence.submitted().get(job);
            if (submitted != null && submitted.key() != null && entry.promptTokens() + entry.completionTokens() > 0) {
                paid.computeIfAbsent(submitted.key(), _ -> new HashSet<>()).add(job);
            }
        }
        paid.forEach((key, jobs) -> {
            if (jobs.size() > 1) {
                found(Invariant.I2, "Idempotency-Key %s is billed for %d jobs: %s", key, jobs.size(), jobs);
            }
        });
    }

    /** I2: one entry a job, and its counts are what its client counted. */
    private void bills() {
        Map<String, Seen> clients = evidence.seen().stream()
                .filter(Seen::accepted)
                .collect(Collectors.toMap(s -> String.valueOf(s.job()), s -> s, Checker::fuller));
        for (Map.Entry<String, JobFinished> e : terminal.entrySet()) {
            String job = e.getKey();
            List<Evidence.Entry> own = entries.getOrDefault(job, List.of());
            if (own.size() != 1) {
                found(Invariant.I2, "job %s has %d usage entries", job, own.size());
                continue;
            }
            bill(job, own.getFirst(), e.getValue(), clients.get(job));
        }
        for (Evidence.Entry entry : evidence.ledger()) {
            if (!terminal.containsKey(entry.job().toString())) {
                found(Invariant.I2, "job %s is billed and has not ended", entry.job());
            }
        }
        if (!sorted(evidence.ledger()).equals(sorted(evidence.rebuilt()))) {
            found(
                    Invariant.I2,
                    "the ledger posted again from offset 0 differs: %d entries before, %d after",
                    evidence.ledger().size(),
                    evidence.rebuilt().size());
        }
        evidence.skewed().forEach(what -> found(Invariant.I2, "%s", what));
    }

    /** Of what two requests under one key saw of a job, the one that tells more. */
    private static Seen fuller(Seen a, Seen b) {
        boolean more = b.end() == Seen.End.WHOLE || b.tokens() > a.tokens();
        return a.end() != Seen.End.WHOLE && more ? b : a;
    }

    private void bill(String job, Evidence.Entry entry, JobFinished finished, @Nullable Seen client) {
        String outcome = finished.getOutcome().name().substring("JOB_OUTCOME_".length());
        if (!entry.outcome().equals(outcome)) {
            found(Invariant.I6, "job %s is %s in the ledger and %s in the log", job, entry.outcome(), outcome);
        }
        switch (finished.getOutcome()) {
            case JOB_OUTCOME_FAILED -> {
                if (entry.promptTokens() != 0 || entry.completionTokens() != 0) {
                    found(Invariant.I2, "job %s failed and is billed %s", job, entry);
                }
            }
            case JOB_OUTCOME_SUCCEEDED, JOB_OUTCOME_CANCELLED -> counted(job, entry, client, outcome);
            default -> found(Invariant.I6, "job %s ended as %s", job, finished.getOutcome());
        }
        if (client != null && client.end() == Seen.End.WHOLE && !outcome.equals("SUCCEEDED")) {
            found(Invariant.I2, "job %s: its client has the whole answer and it %s", job, outcome);
        }
    }

    private void counted(String job, Evidence.Entry entry, @Nullable Seen client, String outcome) {
        if (client == null) {
            withoutClient++;
            return;
        }
        if (client.end() == Seen.End.WHOLE) {
            if (entry.promptTokens() != client.promptTokens() || entry.completionTokens() != client.tokens()) {
                found(
                        Invariant.I2,
                        "job %s: its client counted %d + %d tokens, billed are %d + %d",
                        job,
                        client.promptTokens(),
                        client.tokens(),
                        entry.promptTokens(),
                        entry.completionTokens());
            }
            return;
        }
        long beyond = entry.completionTokens() - client.tokens();
        if (beyond < 0) {
            found(
                    Invariant.I2,
                    "job %s: %d tokens received, %d billed",
                    job,
                    client.tokens(),
                    entry.completionTokens());
        }
        if (client.end() == Seen.End.LEFT && outcome.equals("CANCELLED")) {
            largestCancelWindow = Math.max(largestCancelWindow, beyond);
        }
        Evidence.Submitted submitted = evidence.submitted().get(job);
        if (submitted != null && entry.completionTokens() > submitted.mostTokens()) {
            found(Invariant.I2, "job %s is billed more than its max_tokens %d", job, submitted.mostTokens());
        }
    }

    private static List<Evidence.Entry> sorted(List<Evidence.Entry> entries) {
        return entries.stream()
                .sorted(Comparator.comparing((Evidence.Entry e) -> e.job()).thenComparing(Evidence.Entry::line))
                .toList();
    }

    /** I3: a job belongs to whoever asked, in the submission, in the log and in the ledger. */
    private void tenants() {
        for (Seen s : evidence.seen()) {
            if (!s.accepted()) {
                continue;
            }
            String job = String.valueOf(s.job());
            Evidence.Submitted submitted = evidence.submitted().get(job);
            if (submitted != null && !submitted.tenant().equals(s.tenant())) {
                found(Invariant.I3, "job %s of %s was submitted for %s", job, s.tenant(), submitted.tenant());
            }
            for (Evidence.Entry entry : entries.getOrDefault(job, List.of())) {
                if (!entry.tenant().equals(s.tenant())) {
                    found(Invariant.I3, "job %s of %s is billed to %s", job, s.tenant(), entry.tenant());
                }
            }
        }
    }

    /** I3 again: what a client was given is the answer to its own question, or the beginning of it. */
    private void answers() {
        for (Seen s : evidence.seen()) {
            String answer = evidence.answers().get(s.question());
            if (answer == null || s.text().isEmpty()) {
                continue;
            }
            boolean right = s.end() == Seen.End.WHOLE ? answer.equals(s.text()) : answer.startsWith(s.text());
            if (!right) {
                found(
                        Invariant.I3,
                        "job %s: the answer to question %d is not the undisturbed one (%d of %d characters are alike)",
                        String.valueOf(s.job()),
                        s.question(),
                        alike(answer, s.text()),
                        answer.length());
            }
        }
    }

    private static int alike(String a, String b) {
        int i = 0;
        while (i < Math.min(a.length(), b.length()) && a.charAt(i) == b.charAt(i)) {
            i++;
        }
        return i;
    }

    /** I4: no tenant was billed more than a hard limit allows. */
    private void quotas() {
        evidence.quotas().forEach((tenant, quota) -> {
            if (quota.billed().compareTo(quota.allowed()) > 0) {
                found(
                        Invariant.I4,
                        "%s was billed %s %s, %s are allowed",
                        tenant,
                        quota.billed(),
                        quota.unit(),
                        quota.allowed());
            }
        });
    }

    /** I5, I8, I9. */
    private void rest() {
        if (!evidence.audit().isEmpty()) {
            found(Invariant.I5, "%s", evidence.audit());
        }
        evidence.undrained().forEach(what -> found(Invariant.I8, "%s", what));
        evidence.idle().forEach((what, amount) -> found(Invariant.I9, "%s: %d", what, amount));
    }
}
