package io.altiplano.stack.infra;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Ends what the supervisor started when the supervisor is gone without having done so itself (kill -9): a small shell
 * that reads from a pipe held open by the supervisor, and at its end stops every process with a pid file in the run
 * folder: first asking, after 5 s by force. A watchdog that dies is started again.
 */
public final class Watchdog implements AutoCloseable {
    private static final String SCRIPT = """
            trap '' INT TERM HUP
            read -r word
            [ "$word" = done ] && exit 0
            cd "$1" || exit 0
            ticks() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
            each() {
              for f in *.pid; do
                [ -f "$f" ] || continue
                read -r pid start sig < "$f"
                if [ "$(ticks "$pid")" = "$start" ]; then kill "-${1:-${sig:-15}}" "$pid" 2>/dev/null; left=1; else rm -f "$f"; fi
              done
            }
            each ''
            i=0; left=1
            while [ $left = 1 ] && [ $i -lt 50 ]; do left=0; each 0; sleep 0.1; i=$((i+1)); done
            each 9
            sleep 0.2
            each 9
            rm -f ./*.pid
            """;

    private final Path run;
    private Process process;
    private boolean closed;

    private Watchdog(Path run) {
        this.run = run;
        this.process = launch();
    }

    /** Starts one over the pid files of a run folder. */
    public static Watchdog over(Path run) {
        try {
            Files.createDirectories(run);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Watchdog(run);
    }

    private synchronized Process launch() {
        try {
            Process started = new ProcessBuilder("setsid", "bash", "-c", SCRIPT, "altiplano-watchdog", run.toString())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            var unused = started.onExit().thenRun(this::replace);
            return started;
        } catch (IOException e) {
            throw new InfraException("cannot start bash, which watches over the processes: " + e.getMessage(), e);
        }
    }

    private synchronized void replace() {
        if (!closed) {
            process = launch();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        try (var in = process.outputWriter()) {
            in.write("done\n");
        } catch (IOException e) {
            // Its end of the pipe is closed: it is gone already, which is what was wanted.
            process.destroyForcibly();
        }
    }
}
