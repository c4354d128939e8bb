package io.altiplano.stack.faults;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;

/** What is done to a running platform, each undone after a while. */
enum Fault {
    GATEWAY_KILLED("kill -9 of a gateway") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().kill("gateway-" + random.nextInt(Cluster.REPLICAS));
            return Undo.NOTHING;
        }
    },
    SCHEDULER_KILLED("kill -9 of a scheduler") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().kill("scheduler-" + random.nextInt(Cluster.REPLICAS));
            return Undo.NOTHING;
        }
    },
    WORKER_KILLED("kill -9 of a worker") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().kill("worker-" + random.nextInt(Cluster.REPLICAS));
            return Undo.NOTHING;
        }
    },
    BOTH_WORKERS_KILLED("kill -9 of all workers at once") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().kill("worker-0");
            cluster.parts().kill("worker-1");
            return Undo.NOTHING;
        }
    },
    GATEWAY_TERMINATED("SIGTERM of a gateway") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().terminate("gateway-" + random.nextInt(Cluster.REPLICAS));
            return Undo.NOTHING;
        }
    },
    SCHEDULER_TERMINATED("SIGTERM of a scheduler") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().terminate("scheduler-" + random.nextInt(Cluster.REPLICAS));
            return Undo.NOTHING;
        }
    },
    WORKER_TERMINATED("SIGTERM of a worker") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().terminate("worker-" + random.nextInt(Cluster.REPLICAS));
            return Undo.NOTHING;
        }
    },
    WORKER_STOPPED("SIGSTOP of a worker for longer than its lease") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return standstill(cluster, "worker-" + random.nextInt(Cluster.REPLICAS));
        }

        @Override
        Duration lasts(RandomGenerator random) {
            return Duration.ofMillis(random.nextLong(6_500, 8_000));
        }
    },
    SCHEDULER_STOPPED("SIGSTOP of a scheduler") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return standstill(cluster, "scheduler-" + random.nextInt(Cluster.REPLICAS));
        }

        @Override
        Duration lasts(RandomGenerator random) {
            return Duration.ofMillis(random.nextLong(3_000, 9_000));
        }
    },
    GATEWAY_STOPPED("SIGSTOP of a gateway for longer than its hold on its replies' partition") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return standstill(cluster, "gateway-" + random.nextInt(Cluster.REPLICAS));
        }

        @Override
        Duration lasts(RandomGenerator random) {
            return Duration.ofMillis(random.nextLong(4_000, 9_000));
        }
    },
    BROKER_STOPPED("SIGSTOP of the broker") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return standstill(cluster, "kafka");
        }

        @Override
        Duration lasts(RandomGenerator random) {
            return Duration.ofMillis(random.nextLong(3_000, 9_000));
        }
    },
    BROKER_KILLED("kill -9 of the broker") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().kill("kafka");
            return Undo.NOTHING;
        }
    },
    POSTGRES_KILLED("kill -9 of PostgreSQL") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().kill("postgres");
            return Undo.NOTHING;
        }
    },
    KEYCLOAK_KILLED("kill -9 of Keycloak") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.parts().kill("keycloak");
            return Undo.NOTHING;
        }
    },
    DATABASE_CUT("a gateway's way to PostgreSQL is cut") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return wire(cluster, "database", Wire.Mode.CUT);
        }
    },
    DATABASE_DEAF("a gateway's way to PostgreSQL hangs one way") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return wire(cluster, "database", Wire.Mode.DEAF);
        }
    },
    DATABASE_CROWDED("others hold all of PostgreSQL's connections and the table that admissions need") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            Crowd crowd = new Crowd(cluster);
            return crowd::disperse;
        }
    },
    KAFKA_CUT("a service's way to Kafka is cut") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return wire(cluster, anyWired(random), Wire.Mode.CUT);
        }
    },
    KAFKA_DEAF("a service's way to Kafka hangs one way") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return wire(cluster, anyWired(random), Wire.Mode.DEAF);
        }

        @Override
        Duration lasts(RandomGenerator random) {
            return Duration.ofMillis(random.nextLong(3_000, 8_000));
        }
    },
    KAFKA_SLOW("a service's way to Kafka takes 120 ms longer") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return wire(cluster, anyWired(random), Wire.Mode.SLOW);
        }
    },
    RECORDS_REPEATED("records of every topic come twice") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            Replay.last(cluster, 40, random, false);
            return Undo.NOTHING;
        }
    },
    RECORDS_REORDERED("records of every topic come again in another order") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            Replay.last(cluster, 40, random, true);
            return Undo.NOTHING;
        }
    },
    POISON("records that nobody can read") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            Replay.poison(cluster, random);
            return Undo.NOTHING;
        }
    },
    DISK_FULL("the disk of PostgreSQL and the broker is full") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            cluster.disks().forEach(SmallDisk::fill);
            return () -> cluster.disks().forEach(SmallDisk::free);
        }
    },
    CLOCK_AHEAD("a service's clock jumps ahead by minutes, and back") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return shifted(cluster, random, Duration.ofSeconds(random.nextLong(60, 2_400)));
        }
    },
    CLOCK_BEHIND("a service's clock falls behind by minutes, and comes back") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            return shifted(cluster, random, Duration.ofSeconds(-random.nextLong(60, 2_400)));
        }
    },
    WORKER_OUT_OF_MEMORY("a worker's process gets no more memory") {
        @Override
        Undo inject(Cluster cluster, RandomGenerator random) {
            long pid = cluster.parts()
                    .current("worker-" + random.nextInt(Cluster.REPLICAS))
                    .pid();
            AddressSpace.freeze(pid);
            return () -> AddressSpace.release(pid);
        }
    };

    private final String text;

    Fault(String text) {
        this.text = text;
    }

    /** Undoes a fault. */
    interface Undo {
        Undo NOTHING = () -> {};

        void run();
    }

    /** Does it; what undoes it is called after {@link #lasts}. */
    abstract Undo inject(Cluster cluster, RandomGenerator random);

    /** How long it lasts, where that is ours to say. */
    Duration lasts(RandomGenerator random) {
        return Duration.ofMillis(random.nextLong(1_000, 5_000));
    }

    String text() {
        return text;
    }

    private static Undo shifted(Cluster cluster, RandomGenerator random, Duration by) {
        List<String> services = cluster.services();
        ShiftedClock clock = cluster.clock(services.get(random.nextInt(services.size())));
        clock.set(by);
        return () -> clock.set(Duration.ZERO);
    }

    private static Undo standstill(Cluster cluster, String part) {
        cluster.parts().signal(part, 19);
        return () -> cluster.parts().signal(part, 18);
    }

    private static String anyWired(RandomGenerator random) {
        return Cluster.WIRED.get(random.nextInt(Cluster.WIRED.size()));
    }

    private static Undo wire(Cluster cluster, String name, Wire.Mode mode) {
        Wire wire = cluster.wire(name);
        wire.set(mode);
        return () -> wire.set(Wire.Mode.OPEN);
    }

    /**
     * The faults of a seed: all faults are dealt out, shuffled anew for each deal, so that in twenty seeds each comes two or three
     * times, each time beside others.
     *
     * @param each faults a seed
     */
    static List<Fault> of(int seed, int each) {
        int hands = values().length / each;
        List<Fault> deck = new ArrayList<>(List.of(values()));
        Collections.shuffle(deck, new Random(seed / hands));
        int first = seed % hands * each;
        return List.copyOf(deck.subList(first, first + each));
    }
}
