package io.altiplano.gateway.usage;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jdbi.v3.core.Handle;

/** How long processors worked for somebody, in nanoseconds. */
final class ProcessorTime {
    private ProcessorTime() {}

    /** For this process since it began. */
    static long own() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }

    /** For a session's server process since it began; -1 where that is not known: on another machine, or not on Linux. */
    static long of(Handle session) {
        int pid = session.createQuery("SELECT pg_backend_pid()")
                .mapTo(Integer.class)
                .one();
        Path process = Path.of("/proc", Integer.toString(pid));
        try {
            if (!Files.readString(process.resolve("comm")).startsWith("postgres")) {
                return -1;
            }
            // Linux, Documentation/scheduler/sched-stats.rst: time on the processor, in nanoseconds, is the first
            // field.
            return Long.parseLong(Files.readString(process.resolve("schedstat")).split(" ", 2)[0]);
        } catch (IOException e) {
            return -1;
        }
    }
}
