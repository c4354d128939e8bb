package io.altiplano.stack.infra;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchdogTest {
    @TempDir
    private Path folder = Path.of("");

    @Test
    void nothingIsLeftWhenTheSupervisorIsKilled() throws Exception {
        // given
        Process supervisor = new ProcessBuilder(
                        JavaCommand.of(SupervisorStandIn.class, List.of("-Xmx64m"), List.of(folder.toString())))
                .start();
        long[] children = pids(supervisor);
        assertRunning(children);

        // when
        supervisor.destroyForcibly().waitFor();

        // then
        Waiting.until("the end of the children", null, Duration.ofSeconds(30), () -> {
            for (long pid : children) {
                if (ManagedProcess.startTicks(pid) != 0 && !isZombie(pid)) {
                    return false;
                }
            }
            return pidFiles().isEmpty();
        });
        assertThat(pidFiles()).isEmpty();
    }

    @Test
    void aClosedWatchdogLeavesProcessesAlone() throws Exception {
        // given
        Dirs dirs = Dirs.under(folder, folder.resolve("cache"));
        Watchdog dog = Watchdog.over(dirs.run());
        ManagedProcess child =
                ManagedProcess.start(ManagedProcess.Spec.of("child", List.of("sleep", "600"), Map.of()), dirs);

        // when
        dog.close();

        // then
        assertThat(child.process().waitFor(300, java.util.concurrent.TimeUnit.MILLISECONDS))
                .isFalse();
        child.close();
        assertThat(child.alive()).isFalse();
    }

    private List<String> pidFiles() {
        return List.of(Objects.requireNonNull(folder.resolve("run").toFile().list()));
    }

    private static long[] pids(Process supervisor) throws Exception {
        BufferedReader out =
                new BufferedReader(new InputStreamReader(supervisor.getInputStream(), StandardCharsets.UTF_8));
        String[] words = String.valueOf(out.readLine()).split(" ", -1);
        return new long[] {Long.parseLong(words[0]), Long.parseLong(words[1])};
    }

    private static void assertRunning(long[] pids) {
        for (long pid : pids) {
            assertThat(ManagedProcess.startTicks(pid)).isPositive();
        }
    }

    private static boolean isZombie(long pid) throws java.io.IOException {
        String stat = java.nio.file.Files.readString(Path.of("/proc/" + pid + "/stat"));
        return stat.substring(stat.lastIndexOf(')') + 2).startsWith("Z");
    }
}
