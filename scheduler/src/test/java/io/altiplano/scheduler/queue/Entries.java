package io.altiplano.scheduler.queue;

import io.altiplano.contracts.v1.JobClass;
import io.altiplano.scheduler.queue.JobQueue.Entry;

/** Entries that tests begin from. */
final class Entries {
    private Entries() {}

    /** An interactive job of a tenant's one project, without limits. */
    static Entry of(String id, String tenant, int weight, long cost, long arrival) {
        return of(id, JobClass.JOB_CLASS_INTERACTIVE, tenant, "main", weight, cost, arrival);
    }

    static Entry of(String id, JobClass jobClass, String tenant, String project, int weight, long cost, long arrival) {
        return new Entry(id, jobClass, tenant, project, weight, cost, arrival, 0, 0, 0);
    }
}
