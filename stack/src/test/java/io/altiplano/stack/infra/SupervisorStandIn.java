package io.altiplano.stack.infra;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** A supervisor for {@link WatchdogTest} to kill: one child that ignores SIGTERM, one that does not, and a watchdog. */
public final class SupervisorStandIn {
    private SupervisorStandIn() {}

    /** One argument, the folder; prints the children's pids. */
    public static void main(String[] args) throws InterruptedException {
        Dirs dirs = Dirs.under(Path.of(args[0]), Path.of(args[0], "cache"));
        Watchdog dog = Watchdog.over(dirs.run());
        ManagedProcess meek =
                ManagedProcess.start(ManagedProcess.Spec.of("meek", List.of("sleep", "600"), Map.of()), dirs);
        ManagedProcess deaf = ManagedProcess.start(
                ManagedProcess.Spec.of(
                        "deaf", List.of("bash", "-c", "trap '' TERM; while :; do sleep 1; done"), Map.of()),
                dirs);
        System.out.println(meek.pid() + " " + deaf.pid());
        new CountDownLatch(1).await();
        dog.close();
    }
}
