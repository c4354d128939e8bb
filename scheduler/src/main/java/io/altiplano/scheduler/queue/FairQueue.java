package io.altiplano.scheduler.queue;

import io.altiplano.contracts.v1.JobClass;
import io.altiplano.scheduler.queue.Share.Mark;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) by served tokens, over a tree: classes share the pool, tenants
 * a class, projects a tenant; in a project jobs go by deadline, then arrival.
 *
 * <p>At each level the child with the least start tag is next, and serving it moves its tag on by cost / weight. A child that
 * had nothing waiting begins at its siblings' present virtual time, so nobody saves service up by being idle. Three things
 * go beyond the paper. Many jobs are served at once, so virtual time is read from the waiting child that is next, as SFQ(D)
 * does (Jin, Chase, Kaur, 2004). The cost is an estimate until the attempt ends; then the tag moves by the difference, and
 * the later jobs' start tags with it. And a newcomer begins beside what the next child has really been served: a flow whose
 * estimates are far too high would otherwise put virtual time far ahead of its own tag, and hold newcomers back until it got
 * there.
 *
 * <p>Charges become final when a lease is read back. {@link #drainShares} gives final tags alone, so what is stored is a
 * function of the log, whatever was decided in vain before a crash.
 *
 * <p>Each operation costs O(log n) in the classes, tenants and projects, and nothing is scanned. A node without jobs is
 * forgotten once virtual time has passed its tag.
 */
public final class FairQueue implements JobQueue {
    private static final int SCALE = 1 << 16;

    private final String pool;
    private final ClassShares shares;
    private final Node root;
    private final Map<String, Entry> waiting = new HashMap<>();
    private final Map<String, Charge> charged = new HashMap<>();
    private final Caps caps = new Caps();
    private final Set<Node> parked = new LinkedHashSet<>();
    /** Tenant nodes and the root whose final tags changed; by node, for the forgotten too. */
    private final Map<Node, Share> forgotten = new LinkedHashMap<>();

    private final Set<Node> changed = new LinkedHashSet<>();

    /** A running job's charge; {@code promised} until its lease was read back. */
    private record Charge(Entry entry, boolean promised) {}

    public FairQueue(String pool, ClassShares shares) {
        this(pool, shares, Node.BY_TAG);
    }

    FairQueue(String pool, ClassShares shares, Comparator<Node> order) {
        this.pool = pool;
        this.shares = shares;
        this.root = new Node("", null, order);
    }

    @Override
    public void add(Entry entry) {
        add(entry, true);
    }

    @Override
    public void restoreWaiting(Entry entry) {
        add(entry, false);
    }

    private void add(Entry entry, boolean begins) {
        if (charged.containsKey(entry.jobId()) || waiting.putIfAbsent(entry.jobId(), entry) != null) {
            return;
        }
        Node leaf = leaf(entry);
        leaf.jobs.add(entry);
        for (Node n = leaf; n != null; n = n.parent) {
            n.waiting++;
        }
        caps.learn(entry);
        list(leaf, begins);
        relist(entry);
    }

    @Override
    public Optional<Entry> head() {
        Node n = root;
        while (!n.ready.isEmpty()) {
            n = n.ready.first();
        }
        return n == root ? Optional.empty() : Optional.of(n.jobs.first());
    }

    @Override
    public void take(String jobId) {
        Entry entry = waiting.get(jobId);
        if (entry == null) {
            throw new IllegalStateException("job " + jobId + " does not wait in pool " + pool);
        }
        unlist(entry);
        charge(entry, true);
    }

    @Override
    public void begin(Entry entry) {
        Charge before = charged.get(entry.jobId());
        if (before == null) {
            if (waiting.containsKey(entry.jobId())) {
                unlist(entry);
            }
            charge(entry, false);
        } else if (before.promised) {
            charged.put(entry.jobId(), new Charge(before.entry, false));
            for (Node n = leaf(before.entry); n.parent != null; n = n.parent) {
                n.pending -= virtual(before.entry, n, before.entry.cost());
            }
            changed(leaf(before.entry));
        }
    }

    @Override
    public void restoreRunning(Entry entry) {
        charged.put(entry.jobId(), new Charge(entry, false));
        for (Node n = leaf(entry); n != null; n = n.parent) {
            n.running++;
            n.outstanding += n.parent == null ? 0 : virtual(entry, n, entry.cost());
        }
        caps.began(entry);
        relist(entry);
    }

    @Override
    public void remove(String jobId) {
        Entry entry = waiting.get(jobId);
        Charge charge = charged.get(jobId);
        if (entry != null) {
            unlist(entry);
            rest(leaf(entry));
        } else if (charge != null && charge.promised) {
            discharge(charge, 0);
        }
    }

    @Override
    public void end(String jobId, long servedTokens) {
        Charge charge = charged.get(jobId);
        if (charge == null || charge.promised) {
            remove(jobId);
        } else {
            discharge(charge, Math.clamp(servedTokens, 0, Entry.MOST_COST));
        }
    }

    private void charge(Entry entry, boolean promised) {
        charged.put(entry.jobId(), new Charge(entry, promised));
        for (Node n = leaf(entry); n.parent != null; n = n.parent) {
            long cost = virtual(entry, n, entry.cost());
            n.parent.clock = Math.max(n.parent.clock, n.settled());
            n.outstanding += cost;
            n.pending += promised ? cost : 0;
            n.move(cost);
            n.running++;
        }
        root.running++;
        caps.began(entry);
        relist(entry);
        if (!promised) {
            changed(leaf(entry));
        }
    }

    private void discharge(Charge charge, long served) {
        Entry entry = charge.entry;
        charged.remove(entry.jobId());
        Node leaf = leaf(entry);
        for (Node n = leaf; n.parent != null; n = n.parent) {
            long cost = virtual(entry, n, entry.cost());
            n.outstanding -= cost;
            n.pending -= charge.promised ? cost : 0;
            n.move(virtual(entry, n, served) - cost);
            n.running--;
        }
        root.running--;
        caps.ended(entry);
        relist(entry);
        if (!charge.promised) {
            changed(leaf);
        }
        rest(leaf);
    }

    /** Tokens in the virtual time of a node's parent. */
    private long virtual(Entry entry, Node node, long tokens) {
        Node above = node.parent;
        if (above == root) {
            return tokens * SCALE / shares.of(entry.jobClass());
        }
        return tokens * SCALE / (above != null && above.parent == root ? entry.weight() : 1);
    }

    private Node leaf(Entry entry) {
        return root.child(className(entry.jobClass())).child(entry.tenant()).child(entry.project());
    }

    private static String className(JobClass jobClass) {
        return switch (jobClass) {
            case JOB_CLASS_BATCH -> "batch";
            case JOB_CLASS_TRAINING -> "training";
            case JOB_CLASS_INTERACTIVE, JOB_CLASS_UNSPECIFIED, UNRECOGNIZED -> "interactive";
        };
    }

    private void unlist(Entry entry) {
        waiting.remove(entry.jobId());
        Node leaf = leaf(entry);
        leaf.jobs.remove(entry);
        for (Node n = leaf; n != null; n = n.parent) {
            n.waiting--;
        }
        list(leaf, true);
    }

    /**
     * Puts a project and all above it among the ready of its parent, or takes it out.
     *
     * @param begins whether what was not ready begins at its parent's virtual time
     */
    private void list(Node leaf, boolean begins) {
        Node n = leaf;
        for (Node above = n.parent; above != null; n = above, above = n.parent) {
            boolean may = !n.parked && caps.allow(n) && !(n.jobs.isEmpty() && n.ready.isEmpty());
            if (!may) {
                above.ready.remove(n);
            } else if (!above.ready.contains(n)) {
                long start = above.now();
                if (begins && n.tag < start) {
                    n.tag = start;
                    changed(leaf);
                }
                above.ready.add(n);
            }
        }
    }

    /** Looks again at the entry's tenant and project in every class: limits count over all of them. */
    private void relist(Entry entry) {
        for (Node ofClass : root.children.values()) {
            Node tenant = ofClass.children.get(entry.tenant());
            Node project = tenant == null ? null : tenant.children.get(entry.project());
            if (project != null) {
                list(project, true);
            }
        }
    }

    @Override
    public void park(String jobId) {
        Entry entry = waiting.get(jobId);
        if (entry != null) {
            Node leaf = leaf(entry);
            leaf.parked = true;
            parked.add(leaf);
            list(leaf, false);
        }
    }

    @Override
    public void park(JobClass jobClass) {
        Node ofClass = root.child(className(jobClass));
        ofClass.parked = true;
        parked.add(ofClass);
        list(ofClass, false);
    }

    @Override
    public void unparkAll() {
        parked.forEach(node -> {
            node.parked = false;
            list(node, false);
        });
        parked.clear();
    }

    /** Lets nodes without jobs rest, and forgets the resting whose tags virtual time has reached. */
    private void rest(Node leaf) {
        Node n = leaf;
        for (Node above = n.parent; above != null && above != root; n = above, above = n.parent) {
            if (n.idle()) {
                above.resting.add(n);
            }
            while (!above.resting.isEmpty() && above.resting.first().tag <= above.now()) {
                Node gone = above.resting.removeFirst();
                above.children.remove(gone.name);
                if (above.parent == root) {
                    changed.remove(gone);
                    forgotten.put(gone, new Share(pool, classOf(above.name), gone.name, Map.of()));
                } else {
                    changed.add(above);
                }
            }
        }
    }

    private static JobClass classOf(String name) {
        return switch (name) {
            case "batch" -> JobClass.JOB_CLASS_BATCH;
            case "training" -> JobClass.JOB_CLASS_TRAINING;
            default -> JobClass.JOB_CLASS_INTERACTIVE;
        };
    }

    private void changed(Node leaf) {
        changed.add(root);
        Node tenant = leaf.parent;
        if (tenant != null) {
            changed.add(tenant);
        }
    }

    @Override
    public List<Share> drainShares() {
        if (forgotten.isEmpty() && changed.isEmpty()) {
            return List.of();
        }
        List<Share> drained = new ArrayList<>(forgotten.values());
        for (Node n : changed) {
            Map<String, Mark> marks = new HashMap<>();
            marks.put("", mark(n));
            n.children.values().forEach(c -> marks.put(c.name, mark(c)));
            Node ofClass = n.parent;
            drained.add(
                    ofClass == null
                            ? new Share(pool, JobClass.JOB_CLASS_UNSPECIFIED, "", marks)
                            : new Share(pool, classOf(ofClass.name), n.name, marks));
        }
        forgotten.clear();
        changed.clear();
        return drained;
    }

    private static Mark mark(Node n) {
        return new Mark(n.tag - n.pending, n.clock);
    }

    @Override
    public void restore(Share share) {
        Node n = share.tenant().isEmpty()
                ? root
                : root.child(className(share.jobClass())).child(share.tenant());
        share.marks().forEach((name, mark) -> {
            Node marked = name.isEmpty() ? n : n.child(name);
            marked.tag = mark.tag();
            marked.clock = mark.clock();
            if (marked != n && n != root) {
                n.resting.add(marked);
            }
        });
        if (n.parent != null) {
            n.parent.resting.add(n);
        }
    }

    @Override
    public int size() {
        return waiting.size();
    }

    @Override
    public int waiting(String tenant, JobClass jobClass) {
        Node ofClass = root.children.get(className(jobClass));
        @Nullable Node flow = ofClass == null ? null : ofClass.children.get(tenant);
        return flow == null ? 0 : flow.waiting;
    }

    /** Nodes that are remembered, for the test that all are forgotten. */
    int remembered() {
        return root.children.values().stream().mapToInt(c -> c.children.size()).sum();
    }
}
