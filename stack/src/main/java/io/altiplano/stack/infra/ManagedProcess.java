package io.altiplano.stack.infra;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A child process with a name, a log file and a pid file. It runs in a session of its own, so that Ctrl-C reaches the
 * supervisor alone and parts stop in order. The pid file holds pid and start time, so that a recycled pid is never
 * taken for this process; the {@link Watchdog} kills by these files when the supervisor itself was killed.
 */
public final class ManagedProcess implements AutoCloseable {
    private final String name;
    private final Process process;
    private final Path log;
    private final Path pidFile;
    private final int stopSignal;

    private ManagedProcess(String name, Process process, Path log, Path pidFile, int stopSignal) {
        this.name = name;
        this.process = process;
        this.log = log;
        this.pidFile = pidFile;
        this.stopSignal = stopSignal;
    }

    /**
     * What to run.
     *
     * @param name names the log and the pid file
     * @param command program and arguments
     * @param environment added to the supervisor's
     * @param stopSignal number of the signal that asks it to stop: 15, or 2 for PostgreSQL's fast shutdown
     */
    public record Spec(String name, List<String> command, Map<String, String> environment, int stopSignal) {
        /** A process that stops on SIGTERM. */
        public static Spec of(String name, List<String> command, Map<String, String> environment) {
            return new Spec(name, command, environment, 15);
        }
    }

    /** Starts it; output is appended to {@code dirs.logs()/name.log}. */
    public static ManagedProcess start(Spec spec, Dirs dirs) {
        try {
            Files.createDirectories(dirs.logs());
            Files.createDirectories(dirs.run());
            Path log = dirs.logs().resolve(spec.name() + ".log");
            List<String> command = new ArrayList<>();
            command.add("setsid");
            command.addAll(spec.command());
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .redirectErrorStream(true);
            builder.environment().putAll(spec.environment());
            Process process = builder.start();
            Path pidFile = dirs.run().resolve(spec.name() + ".pid");
            Files.writeString(
                    pidFile, process.pid() + " " + startTicks(process.pid()) + " " + spec.stopSignal() + "\n");
            return new ManagedProcess(spec.name(), process, log, pidFile, spec.stopSignal());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + spec.name() + ": " + e.getMessage(), e);
        }
    }

    /** Its start time in clock ticks since boot, 0 if there is no such process (proc(5), stat field 22). */
    public static long startTicks(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return Long.parseLong(afterName[19]);
        } catch (IOException e) {
            return 0;
        }
    }

    /** The name it was started by. */
    public String name() {
        return name;
    }

    /** Its pid. */
    public long pid() {
        return process.pid();
    }

    /** Whether it runs. */
    public boolean alive() {
        return process.isAlive();
    }

    /** The underlying process, for its {@code onExit}. */
    public Process process() {
        return process;
    }

    /** Where its output goes. */
    public Path log() {
        return log;
    }

    /**
     * Throws if it has ended.
     *
     * @throws InfraException with the end of its log
     */
    public void requireAlive() {
        if (!process.isAlive()) {
            throw new InfraException(
                    name + " ended with status " + process.exitValue() + "; the end of " + log + ":\n" + tail(log, 15));
        }
    }

    /** Ends it at once, without its consent. */
    public void kill() {
        process.destroyForcibly();
        await(Duration.ofSeconds(10));
        forget();
    }

    /** Asks it to stop and kills it if it has not within {@code patience}. */
    public void stop(Duration patience) {
        signal();
        if (!await(patience)) {
            process.destroyForcibly();
            await(Duration.ofSeconds(10));
        }
        forget();
    }

    /** Asks it to stop, without waiting. */
    public void signal() {
        if (!process.isAlive()) {
            return;
        }
        if (stopSignal == 15) {
            process.destroy();
            return;
        }
        try {
            new ProcessBuilder("kill", "-" + stopSignal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
        } catch (IOException e) {
            process.destroy();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Longer than any part's own drain, the gateway's 23 s above all. */
    @Override
    public void close() {
        stop(Duration.ofSeconds(30));
    }

    private boolean await(Duration patience) {
        try {
            return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void forget() {
        if (!process.isAlive()) {
            pidFile.toFile().delete();
        }
    }

    /** The last lines of a log, for error messages. */
    public static String tail(Path log, int lines) {
        try {
            List<String> all = Files.readAllLines(log, StandardCharsets.ISO_8859_1);
            return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
        } catch (IOException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }
}
