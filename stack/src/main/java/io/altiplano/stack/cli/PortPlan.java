package io.altiplano.stack.cli;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which part listens where, all on 127.0.0.1, counted from one first port.
 *
 * @param first the gateway's
 * @param workers how many workers
 */
record PortPlan(int first, int workers) {
    PortPlan {
        if (workers < 1 || workers > 16) {
            throw new IllegalArgumentException("--workers " + workers + ": 1 to 16");
        }
        if (first < 1 || first + 10 + workers > 65536) {
            throw new IllegalArgumentException("ALTIPLANO_PORT=" + first + ": 1 to " + (65526 - workers));
        }
    }

    int gateway() {
        return first;
    }

    int keycloak() {
        return first + 1;
    }

    int postgres() {
        return first + 2;
    }

    int kafka() {
        return first + 3;
    }

    int kafkaController() {
        return first + 4;
    }

    int scheduler() {
        return first + 5;
    }

    int keycloakManagement() {
        return first + 6;
    }

    int worker(int ordinal) {
        return first + 10 + ordinal;
    }

    /** All, by the name of what needs it. */
    Map<String, Integer> byName() {
        Map<String, Integer> all = new LinkedHashMap<>();
        all.put("the gateway", gateway());
        all.put("Keycloak", keycloak());
        all.put("PostgreSQL", postgres());
        all.put("Kafka", kafka());
        all.put("Kafka's controller", kafkaController());
        all.put("the scheduler", scheduler());
        all.put("Keycloak's management", keycloakManagement());
        for (int i = 0; i < workers; i++) {
            all.put("worker " + i, worker(i));
        }
        return all;
    }
}
