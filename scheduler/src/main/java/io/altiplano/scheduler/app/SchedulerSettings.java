package io.altiplano.scheduler.app;

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

    /** Stable name of this replica (a StatefulSet's pod name) for static group membership. */
    Optional<String> instanceId();

    @WithDefault("PT0.1S")
    Duration tick();

    @WithDefault("PT6S")
    Duration session();
}
