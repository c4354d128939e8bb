package io.altiplano.scheduler.app;

import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.queue.ClassShares;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** {@code altiplano.scheduler.*}. */
@ConfigMapping(prefix = "altiplano.scheduler")
interface SchedulerSettings {
    /** A lease ends so long after the last heartbeat that listed its attempt. */
    @WithDefault("PT5S")
    Duration leaseTerm();

    /** For Kafka Streams' lock and process id; the stores are in memory and their truth is the changelog. */
    @WithDefault("${java.io.tmpdir}/altiplano-scheduler")
    String stateDir();

    /** Warm copies of the store on other replicas: 1 in production, 0 where there is one replica. */
    @WithDefault("0")
    int standbys();

    @WithDefault("1")
    int threads();

    /** Replicas of the changelog topic; -1 for the broker's default. */
    @WithDefault("-1")
    int changelogReplication();

    /** Interactive jobs of one tenant that may wait in a pool; beyond it they fail as queue_full. */
    @WithDefault("1000")
    int queueLimit();

    /** The same of batch jobs, and of training jobs. */
    @WithDefault("10000")
    int batchQueueLimit();

    /** The classes' guaranteed shares of served tokens, as weights. */
    Share share();

    interface Share {
        @WithDefault("80")
        int interactive();

        @WithDefault("15")
        int batch();

        @WithDefault("5")
        int training();
    }

    default Settings core() {
        return Settings.of(leaseTerm().toMillis())
                .withQueue(
                        queueLimit(),
                        batchQueueLimit(),
                        new ClassShares(share().interactive(), share().batch(), share().training()));
    }

    /** Stable name of this replica (a StatefulSet's pod name) for static group membership. */
    Optional<String> instanceId();

    @WithDefault("PT0.1S")
    Duration tick();

    @WithDefault("PT6S")
    Duration session();
}
