package io.altiplano.scheduler.queue;

import io.altiplano.contracts.v1.JobClass;
import java.util.Map;

/**
 * Virtual times that must survive a restart.
 *
 * @param pool the pool
 * @param jobClass the class of the tenant's flow; UNSPECIFIED for the pool's own marks
 * @param tenant the tenant; empty for the pool's own marks
 * @param marks of the tenant ("") and its projects by id; of the pool ("") and its classes by name; empty: forgotten
 */
public record Share(String pool, JobClass jobClass, String tenant, Map<String, Mark> marks) {
    /**
     * One node's.
     *
     * @param tag where the node's next job starts in its parent's virtual time
     * @param clock the virtual time among the node's own children when the last of them was served
     */
    public record Mark(long tag, long clock) {}

    public Share {
        marks = Map.copyOf(marks);
    }
}
