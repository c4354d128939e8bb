package io.altiplano.worker.engine;

import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.model.LoraAdapter;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The adapters of one model, each a PEFT directory {@code <root>/<adapter id>}, loaded when it is first asked for and kept within a
 * budget of memory: whoever was used longest ago goes first, and nobody who is in use. When all are, a new one waits until
 * one is given back (beside them, no more than one waits loaded). An adapter whose files have changed is loaded anew, and the
 * old one goes with its last user. Safe for use by many threads; giving back never waits.
 */
public final class AdapterStore implements AutoCloseable {
    private static final Logger LOG = System.getLogger(AdapterStore.class.getName());
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    private final Path root;
    private final LlamaModel model;
    private final long budget;
    /** By id, the least recently used first. */
    private final Map<String, Entry> loaded = new LinkedHashMap<>(16, 0.75f, true);

    private final ReentrantLock loading = new ReentrantLock(true);
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition givenBack = lock.newCondition();
    private long bytes;

    private static final class Entry {
        final LoraAdapter adapter;
        final String stamp;
        int users;
        /** No longer to be found: closed by its last user. */
        boolean gone;

        Entry(LoraAdapter adapter, String stamp) {
            this.adapter = adapter;
            this.stamp = stamp;
        }
    }

    /** An adapter in use; to be closed when nothing computes with it any more. */
    public final class Lease implements AutoCloseable {
        private final Entry entry;
        private boolean closed;

        private Lease(Entry entry) {
            this.entry = entry;
        }

        /** The adapter. */
        public LoraAdapter adapter() {
            return entry.adapter;
        }

        /** Gives it back; again does nothing. */
        @Override
        public void close() {
            lock.lock();
            try {
                if (!closed) {
                    closed = true;
                    entry.users--;
                    closeIfUnused(entry);
                    givenBack.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * Over a directory.
     *
     * @param budget most bytes that adapters hold
     */
    public AdapterStore(Path root, LlamaModel model, long budget) {
        this.root = root;
        this.model = model;
        this.budget = budget;
    }

    /**
     * An adapter, loaded now if it is not yet; may wait for memory.
     *
     * @throws ModelUnavailableException if there is none, it cannot be loaded, or alone exceeds the budget
     * @throws InterruptedException if interrupted while waiting
     */
    public Lease acquire(String id) throws ModelUnavailableException, InterruptedException {
        String stamp = stamp(id);
        Lease lease = find(id, stamp);
        if (lease != null) {
            return lease;
        }
        loading.lockInterruptibly();
        try {
            lease = find(id, stamp);
            return lease == null ? load(id, stamp) : lease;
        } finally {
            loading.unlock();
        }
    }

    /** Ids of the adapters in memory that can still be found, in order of id. */
    public List<String> loaded() {
        lock.lock();
        try {
            return loaded.keySet().stream().sorted().toList();
        } finally {
            lock.unlock();
        }
    }

    /** Bytes that adapters hold, those that are gone but still in use included. */
    public long bytes() {
        lock.lock();
        try {
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Lease find(String id, String stamp) {
        lock.lock();
        try {
            Entry entry = loaded.get(id);
            if (entry == null) {
                return null;
            }
            if (!entry.stamp.equals(stamp)) {
                remove(id, entry);
                return null;
            }
            entry.users++;
            return new Lease(entry);
        } finally {
            lock.unlock();
        }
    }

    private Lease load(String id, String stamp) throws ModelUnavailableException, InterruptedException {
        LoraAdapter adapter;
        try {
            adapter = model.loadAdapter(root.resolve(id));
        } catch (InvalidCheckpointException | OutOfMemoryError e) {
            LOG.log(Level.WARNING, "event=adapter_load_failed adapter={0} error={1}", id, e);
            throw invalid("adapter '" + id + "' cannot be loaded: " + e.getMessage());
        }
        boolean taken = false;
        lock.lock();
        try {
            if (adapter.bytes() > budget) {
                throw invalid("adapter '%s' takes %d bytes, and this worker keeps %d for adapters"
                        .formatted(id, adapter.bytes(), budget));
            }
            while (!makeRoom(adapter.bytes())) {
                givenBack.await();
            }
            Entry entry = new Entry(adapter, stamp);
            entry.users = 1;
            bytes += adapter.bytes();
            loaded.put(id, entry);
            taken = true;
            LOG.log(Level.INFO, "event=adapter_loaded adapter={0} bytes={1}", id, Long.toString(adapter.bytes()));
            return new Lease(entry);
        } finally {
            lock.unlock();
            if (!taken) {
                adapter.close();
            }
        }
    }

    /** Lets the least recently used idle ones go until there is room; false if those in use leave too little. */
    private boolean makeRoom(long needed) {
        for (Map.Entry<String, Entry> candidate : new ArrayList<>(loaded.entrySet())) {
            if (bytes + needed <= budget) {
                break;
            }
            if (candidate.getValue().users == 0) {
                remove(candidate.getKey(), candidate.getValue());
            }
        }
        return bytes + needed <= budget;
    }

    private void remove(String id, Entry entry) {
        loaded.remove(id);
        entry.gone = true;
        closeIfUnused(entry);
        LOG.log(Level.INFO, "event=adapter_unloaded adapter={0}", id);
    }

    private void closeIfUnused(Entry entry) {
        if (entry.gone && entry.users == 0) {
            bytes -= entry.adapter.bytes();
            entry.adapter.close();
        }
    }

    /** Changes when the adapter's files do. */
    private String stamp(String id) throws ModelUnavailableException {
        Path dir = root.resolve(ID.matcher(id).matches() ? id : "-");
        try {
            StringBuilder stamp = new StringBuilder();
            for (String name : List.of("adapter_config.json", "adapter_model.safetensors")) {
                Path file = dir.resolve(name);
                if (Files.isRegularFile(file)) {
                    stamp.append(Files.size(file))
                            .append('@')
                            .append(Files.getLastModifiedTime(file))
                            .append(' ');
                }
            }
            if (!stamp.isEmpty()) {
                return stamp.toString();
            }
        } catch (IOException e) {
            throw invalid("adapter '" + id + "' cannot be read: " + e.getMessage());
        }
        lock.lock();
        try {
            Entry entry = loaded.get(id);
            if (entry != null) {
                remove(id, entry);
            }
        } finally {
            lock.unlock();
        }
        throw new ModelUnavailableException(
                ModelUnavailableException.Code.ADAPTER_NOT_FOUND,
                "this worker's model store has no adapter '" + id + "'");
    }

    private static ModelUnavailableException invalid(String message) {
        return new ModelUnavailableException(ModelUnavailableException.Code.ADAPTER_INVALID, message);
    }

    /** Frees every adapter; none may be in use any more. */
    @Override
    public void close() {
        lock.lock();
        try {
            new ArrayList<>(loaded.entrySet()).forEach(e -> remove(e.getKey(), e.getValue()));
        } finally {
            lock.unlock();
        }
    }
}
