package io.altiplano.stack.bench;

import io.altiplano.stack.infra.InfraException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What a process has computed so far. */
final class ProcessorTime {
    private ProcessorTime() {}

    /** As {@link #millis}, with those processes that it has started and that run: PostgreSQL has one for each connection. */
    static long withChildren(ProcessHandle process) {
        return Stream.concat(Stream.of(process), process.descendants())
                .filter(ProcessHandle::isAlive)
                .mapToLong(each -> millis(each.pid()))
                .sum();
    }

    /** User and system time of a process, in ms: proc(5), stat fields 14 and 15, in ticks of 10 ms. */
    static long millis(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return 10 * (Long.parseLong(afterName[11]) + Long.parseLong(afterName[12]));
        } catch (IOException e) {
            throw new InfraException("cannot read the processor time of " + pid + ": " + e.getMessage(), e);
        }
    }
}
