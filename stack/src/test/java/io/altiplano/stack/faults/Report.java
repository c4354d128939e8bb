package io.altiplano.stack.faults;

import io.altiplano.stack.faults.Finding.Invariant;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The page that says, seed by seed, what was broken and which invariants held. */
final class Report {
    private final List<Row> rows = new ArrayList<>();
    private @Nullable List<Finding> flood;

    /** A seed. */
    record Row(int seed, List<Fault> faults, Evidence evidence, Checker.Result result, Took took) {
        private List<Seen> seen() {
            return evidence.seen();
        }

        /** Requests that were asked again under their key. */
        private long again() {
            return seen().stream().filter(s -> s.key() != null).count()
                    - seen().stream()
                            .map(Seen::key)
                            .filter(Objects::nonNull)
                            .distinct()
                            .count();
        }

        private Map<Seen.End, Long> ends() {
            return seen().stream()
                    .collect(Collectors.groupingBy(
                            Seen::end, () -> new EnumMap<>(Seen.End.class), Collectors.counting()));
        }

        private boolean broke(Invariant invariant) {
            return result.findings().stream().anyMatch(f -> f.invariant() == invariant);
        }
    }

    /** How long a seed took: all of it, and its parts. */
    record Took(Duration all, Duration load, Duration heal, Duration finish, Duration check) {
        /** Of the moments, by the monotonic clock, at which it began and each part ended. */
        static Took of(long began, long disturbed, long healed, long stopped, long checked) {
            return new Took(
                    Duration.ofNanos(checked - began),
                    Duration.ofNanos(disturbed - began),
                    Duration.ofNanos(healed - disturbed),
                    Duration.ofNanos(stopped - healed),
                    Duration.ofNanos(checked - stopped));
        }

        @Override
        public String toString() {
            return String.format(
                    "%d s: %d of load, %d to heal, %d to finish, %d to drain and check",
                    all.toSeconds(), load.toSeconds(), heal.toSeconds(), finish.toSeconds(), check.toSeconds());
        }
    }

    void add(Row row) {
        rows.add(row);
    }

    /** The last seed in a line. */
    String last() {
        Row row = rows.getLast();
        return String.format(
                "seed %d (%s): %s; requests %s, %d of them again under a key; %d jobs; cancel window %d tokens;"
                        + " %d jobs without a client; %d damaged records; %s used; %s",
                row.seed,
                row.took,
                row.faults,
                row.ends(),
                row.again(),
                row.result.jobs(),
                row.result.largestCancelWindow(),
                row.result.withoutClient(),
                row.evidence.damaged(),
                row.evidence.quotas().values().stream()
                        .map(q ->
                                q.billed().stripTrailingZeros().toPlainString() + " of " + q.allowed() + " " + q.unit())
                        .collect(Collectors.joining(", ")),
                row.result.findings().isEmpty() ? "all invariants hold" : row.result.findings());
    }

    /** What was found wrong in the flood; nothing if it was fair. */
    void flood(List<Finding> findings) {
        flood = List.copyOf(findings);
    }

    /** Writes it to {@code report.html} in the folder. */
    Path write(Path folder) {
        Path file = folder.resolve("report.html");
        try {
            Files.createDirectories(folder);
            Files.writeString(file, html());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    private String html() {
        StringBuilder page = new StringBuilder("""
                <!doctype html><html lang="en"><meta charset="utf-8"><title>Fault runs</title>
                <style>
                body{font:15px/1.45 system-ui,sans-serif;margin:2rem;max-width:100rem;color:#1c2733}
                table{border-collapse:collapse} th,td{padding:.35rem .6rem;border-bottom:1px solid #d5dce3;text-align:left;vertical-align:top}
                td.n{text-align:right;font-variant-numeric:tabular-nums} .held{color:#1b7f4b} .broke{color:#b3261e;font-weight:600}
                small{color:#5b6b7a}
                </style><h1>Fault runs</h1>
                """);
        long jobs = rows.stream().mapToLong(r -> r.result.jobs()).sum();
        long requests = rows.stream().mapToLong(r -> r.seen().size()).sum();
        long broken = rows.stream().filter(r -> !r.result.findings().isEmpty()).count();
        page.append(String.format(
                "<p>%d seeds, %d requests, %d jobs. %s</p>",
                rows.size(),
                requests,
                jobs,
                broken == 0
                        ? "<span class=held>Every invariant that a seed looks at held.</span>"
                        : "<span class=broke>" + broken + " seeds broke an invariant.</span>"));
        page.append("<p><small>");
        for (Invariant invariant : Invariant.values()) {
            page.append(invariant).append(": ").append(invariant.text()).append(". ");
        }
        page.append("</small></p><table><tr><th>seed<th>s<th>faults<th>requests<th>jobs<th>cancel window");
        Arrays.stream(Invariant.values()).forEach(i -> page.append("<th>").append(i));
        page.append("</tr>");
        rows.forEach(row -> row(page, row));
        page.append("</table><p>I7 in a flood of two tenants: ");
        if (flood == null) {
            page.append("not looked at.");
        } else if (flood.isEmpty()) {
            page.append("<span class=held>held.</span>");
        } else {
            flood.forEach(finding -> page.append("<span class=broke>")
                    .append(escaped(finding.what()))
                    .append("</span> "));
        }
        return page.append("</p></html>").toString();
    }

    private static void row(StringBuilder page, Row row) {
        page.append("<tr><td class=n>").append(row.seed).append("<td class=n>").append(row.took.all.toSeconds());
        page.append("<td>").append(row.faults.stream().map(Fault::text).collect(Collectors.joining("<br>")));
        page.append("<td>");
        row.ends()
                .forEach((end, count) -> page.append(end.name().toLowerCase(java.util.Locale.ROOT))
                        .append(' ')
                        .append(count)
                        .append("<br>"));
        page.append("<td class=n>").append(row.result.jobs());
        page.append("<td class=n>").append(row.result.largestCancelWindow());
        for (Invariant invariant : Invariant.values()) {
            // Shares are the flood's: a seed's tenants have nothing waiting.
            String held = invariant == Invariant.I7 ? "<td>&ndash;" : "<td class=held>held";
            page.append(row.broke(invariant) ? "<td class=broke>broken" : held);
        }
        page.append("</tr>");
        for (Finding finding : row.result.findings()) {
            page.append("<tr><td><td><td colspan=20 class=broke>")
                    .append(finding.invariant())
                    .append(": ")
                    .append(escaped(finding.what()));
        }
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }
}
