package io.altiplano.scheduler.queue;

import io.altiplano.scheduler.queue.JobQueue.Entry;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How many jobs of each tenant and project run in the pool, over all classes, and how many may. */
final class Caps {
    private final Map<Owner, Cap> caps = new HashMap<>();

    /** A whole tenant, or one of its projects. */
    private record Owner(String tenant, String project, boolean whole) {}

    private static final class Cap {
        int running;
        int limit;
        long since = -1;
    }

    /** The latest submission says how many may run; nothing is remembered of who runs nothing. */
    void learn(Entry entry) {
        learn(caps.get(tenant(entry.tenant())), entry.tenantLimit(), entry.arrival());
        learn(caps.get(project(entry.tenant(), entry.project())), entry.projectLimit(), entry.arrival());
    }

    private static void learn(@Nullable Cap cap, int limit, long arrival) {
        if (cap != null && arrival >= cap.since) {
            cap.since = arrival;
            cap.limit = limit;
        }
    }

    void began(Entry entry) {
        caps.computeIfAbsent(tenant(entry.tenant()), o -> new Cap()).running++;
        caps.computeIfAbsent(project(entry.tenant(), entry.project()), o -> new Cap()).running++;
        learn(entry);
    }

    void ended(Entry entry) {
        ended(tenant(entry.tenant()));
        ended(project(entry.tenant(), entry.project()));
    }

    private void ended(Owner owner) {
        Cap cap = caps.get(owner);
        if (cap != null && --cap.running == 0) {
            caps.remove(owner);
        }
    }

    /** Whether another job of a tenant's or project's node may run; classes have no limit. */
    boolean allow(Node n) {
        Node above = n.parent;
        Node twoAbove = above == null ? null : above.parent;
        if (above == null || twoAbove == null) {
            return true;
        }
        return allow(twoAbove.parent == null ? tenant(n.name) : project(above.name, n.name));
    }

    private boolean allow(Owner owner) {
        Cap cap = caps.get(owner);
        return cap == null || cap.limit == 0 || cap.running < cap.limit;
    }

    private static Owner tenant(String tenant) {
        return new Owner(tenant, "", true);
    }

    private static Owner project(String tenant, String project) {
        return new Owner(tenant, project, false);
    }
}
