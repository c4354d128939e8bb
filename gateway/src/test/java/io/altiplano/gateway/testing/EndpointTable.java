package io.altiplano.gateway.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** {@code endpoint-roles.csv}: what each endpoint answers to whom. A cell is a status, or "2xx". */
public final class EndpointTable {
    /** Who asks: the columns after method and path. */
    public static final List<String> ROLES = List.of(
            "anonymous",
            "revoked_key",
            "own_key",
            "other_key",
            "viewer",
            "developer",
            "owner",
            "other_owner",
            "platform_admin",
            "licence_officer",
            "auditor");

    private static final Set<String> METHODS =
            Set.of("get", "put", "post", "delete", "options", "head", "patch", "trace");

    private EndpointTable() {}

    /** A method on a path of the document. */
    public record Operation(String method, String path) implements Comparable<Operation> {
        @Override
        public int compareTo(Operation other) {
            return toString().compareTo(other.toString());
        }

        @Override
        public String toString() {
            return path + " " + method;
        }
    }

    /** What an operation answers, by role. */
    public record Row(Operation operation, Map<String, String> answers) {
        /** Where another set of answers differs. */
        public List<String> faults(Map<String, String> seen) {
            return ROLES.stream()
                    .filter(role -> !Objects.equals(answers.get(role), seen.get(role)))
                    .map(role -> role + ": " + seen.get(role) + " and not " + answers.get(role))
                    .toList();
        }

        /** As a line of the table. */
        public String csv() {
            return operation.method() + "," + operation.path() + ","
                    + ROLES.stream().map(answers::get).collect(Collectors.joining(","));
        }

        @Override
        public String toString() {
            return operation.toString();
        }
    }

    /** The table. */
    public static List<Row> read() {
        String text;
        try (InputStream in = Objects.requireNonNull(EndpointTable.class.getResourceAsStream("/endpoint-roles.csv"))) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<Row> rows = new ArrayList<>();
        List<String> lines = text.lines().toList();
        if (!lines.getFirst().equals("method,path," + String.join(",", ROLES))) {
            throw new IllegalStateException("endpoint-roles.csv has other columns: " + lines.getFirst());
        }
        for (String line : lines.subList(1, lines.size())) {
            String[] cells = line.split(",", -1);
            if (cells.length != ROLES.size() + 2) {
                throw new IllegalStateException("endpoint-roles.csv: not " + (ROLES.size() + 2) + " cells in " + line);
            }
            Map<String, String> answers = new LinkedHashMap<>();
            for (int i = 0; i < ROLES.size(); i++) {
                answers.put(ROLES.get(i), cells[i + 2]);
            }
            rows.add(new Row(new Operation(cells[0], cells[1]), answers));
        }
        return rows;
    }

    /** A status as a cell. */
    public static String answer(int status) {
        return status / 100 == 2 ? "2xx" : Integer.toString(status);
    }

    /** The operations of a document's {@code paths}. */
    public static Set<Operation> operations(Map<String, Map<String, Object>> paths) {
        Set<Operation> operations = new TreeSet<>();
        paths.forEach((path, item) -> item.keySet().stream()
                .filter(METHODS::contains)
                .forEach(method -> operations.add(new Operation(method.toUpperCase(Locale.ROOT), path))));
        return operations;
    }

    /** Operations without a row, rows without an operation, and operations with two rows. */
    public static List<String> differences(Set<Operation> document, List<Row> rows) {
        List<String> faults = new ArrayList<>();
        Set<Operation> known = new LinkedHashSet<>();
        for (Row row : rows) {
            if (!known.add(row.operation())) {
                faults.add(row.operation() + " has two rows");
            }
            if (!document.contains(row.operation())) {
                faults.add(row.operation() + " has a row and is not in the OpenAPI document: take the row away");
            }
        }
        for (Operation operation : document) {
            if (!known.contains(operation)) {
                faults.add(operation + " has no row in endpoint-roles.csv: say what it answers to whom");
            }
        }
        return faults;
    }
}
