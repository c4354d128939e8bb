package io.altiplano.scheduler.queue;

import io.altiplano.scheduler.queue.JobQueue.Entry;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A sharer of its parent's service: the pool, a class, a tenant in a class, or a project of such a tenant. All that is
 * charged stands in virtual time: tokens divided by weight, in 65,536ths.
 */
final class Node {
    static final Comparator<Node> BY_TAG =
            (a, b) -> a.tag != b.tag ? Long.compare(a.tag, b.tag) : a.name.compareTo(b.name);
    /** Earliest deadline first where there are deadlines, which only batch jobs are given; else in order of arrival. */
    private static final Comparator<Entry> BY_DEADLINE = Comparator.comparingLong(
                    (Entry e) -> e.deadlineMs() == 0 ? Long.MAX_VALUE : e.deadlineMs())
            .thenComparingLong(Entry::arrival)
            .thenComparing(Entry::jobId);

    final String name;
    final @Nullable Node parent;
    final Map<String, Node> children = new HashMap<>();
    private final Comparator<Node> order;
    /** Children whose turn may come. */
    final TreeSet<Node> ready;
    /** Children without any job whose tag still lies ahead: they are remembered until virtual time reaches it. */
    final TreeSet<Node> resting;
    /** A project's waiting jobs. */
    final TreeSet<Entry> jobs = new TreeSet<>(BY_DEADLINE);

    /** Where the next job starts; includes charges that are promised alone, and estimates that are not corrected yet. */
    long tag;
    /** Of the tag, what is promised and not read back. */
    long pending;
    /** Of the tag, what was not corrected yet. */
    long outstanding;
    /** Virtual time among the children when the last was charged. */
    long clock;

    int waiting;
    int running;
    boolean parked;

    /**
     * @param order {@link #BY_TAG}, or what counts its calls
     */
    Node(String name, @Nullable Node parent, Comparator<Node> order) {
        this.name = name;
        this.parent = parent;
        this.order = order;
        ready = new TreeSet<>(order);
        resting = new TreeSet<>(order);
    }

    Node child(String childName) {
        Node child = children.get(childName);
        if (child == null) {
            child = new Node(childName, this, order);
            children.put(childName, child);
        } else {
            resting.remove(child);
        }
        return child;
    }

    /**
     * Where a child that had nothing waiting begins: beside the child whose turn it is, by what that one has really been
     * served. Its tag would be too far: an estimate that a refund follows would hold the newcomer back.
     */
    long now() {
        return ready.isEmpty() ? clock : Math.max(0, ready.first().settled());
    }

    long settled() {
        return tag - outstanding;
    }

    boolean idle() {
        return waiting == 0 && running == 0;
    }

    /** Moves the tag, keeping the parent's order. */
    void move(long by) {
        Node p = parent;
        if (p != null && p.ready.remove(this)) {
            tag += by;
            p.ready.add(this);
        } else {
            tag += by;
        }
    }
}
