package io.altiplano.worker.kvcache;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Which KV blocks are free, and which prefixes the others hold. A block is
 *
 * <ul>
 *   <li><b>blank</b>: nobody holds it and it means nothing;
 *   <li><b>held</b> by one sequence or, once it is full and has a name ({@link PrefixChain}), by several: nobody writes to it then;
 *   <li><b>kept</b>: nobody holds it, but it has a name and may be found again. It counts as free: when no block is blank, the
 *       one that was let go longest ago loses its name and is given out.
 * </ul>
 *
 * Taking what is not free and giving back what is not held are errors, at once. For one thread.
 */
public final class BlockPool {
    private final int total;
    private final BitSet blank;
    private final int[] holders;
    private final PrefixChain.@Nullable Name[] names;
    /** By block, what others call it; means something only where the block has a name. */
    private final long[] labels;

    private final Map<PrefixChain.Name, Integer> byName = new HashMap<>();
    /** Nobody's blocks with names, the one that was let go longest ago first. */
    private final LinkedHashSet<Integer> kept = new LinkedHashSet<>();
    /** Held by something that is no sequence. */
    private final BitSet reserved = new BitSet();

    /** With {@code total} blocks, ids 0 to total-1, all blank. */
    public BlockPool(int total) {
        if (total < 1) {
            throw new IllegalArgumentException("a block pool needs at least one block, not " + total);
        }
        this.total = total;
        this.holders = new int[total];
        this.names = new PrefixChain.@Nullable Name[total];
        this.labels = new long[total];
        this.blank = new BitSet(total);
        blank.set(0, total);
    }

    /** Blocks in all. */
    public int total() {
        return total;
    }

    /** Blocks that nobody holds: blank and kept ones. */
    public int free() {
        return blank.cardinality() + kept.size();
    }

    /** Blocks that nobody holds and that may be found again. */
    public int kept() {
        return kept.size();
    }

    /** Blocks that {@link #reserve} has taken. */
    public int reserved() {
        return reserved.cardinality();
    }

    /**
     * Takes blocks for something that is no sequence and may hold them while none runs.
     *
     * @throws IllegalStateException with nothing taken, if too few are free
     */
    public int[] reserve(int count) {
        if (count > free()) {
            throw new IllegalStateException(count + " KV blocks are to be reserved and " + free() + " are free");
        }
        int[] blocks = new int[count];
        for (int i = 0; i < count; i++) {
            blocks[i] = take();
            reserved.set(blocks[i]);
        }
        return blocks;
    }

    /** Gives back what {@link #reserve} gave. */
    public void unreserve(int[] blocks) {
        for (int block : blocks) {
            if (!reserved.get(block)) {
                throw new IllegalStateException("KV block " + block + " was given back but is not reserved");
            }
            reserved.clear(block);
            give(block);
        }
    }

    /** Takes the blank block of the lowest id or, if there is none, the kept one that was let go longest ago. */
    int take() {
        int block = blank.nextSetBit(0);
        if (block >= 0) {
            blank.clear(block);
        } else {
            Iterator<Integer> oldest = kept.iterator();
            if (!oldest.hasNext()) {
                throw new IllegalStateException("no KV block is free");
            }
            block = oldest.next();
            oldest.remove();
            byName.remove(names[block]);
            names[block] = null;
        }
        holders[block] = 1;
        return block;
    }

    /** Takes the block of this name too, if there is one; else -1. */
    int share(PrefixChain.Name name) {
        Integer block = byName.get(name);
        if (block == null) {
            return -1;
        }
        if (holders[block]++ == 0) {
            kept.remove(block);
        }
        return block;
    }

    /** Names a block that is full and held; if another has the name already, this one stays without. */
    void name(int block, PrefixChain.Name name, long label) {
        if (holders[block] == 0) {
            throw new IllegalStateException("KV block " + block + " is to be named but nobody holds it");
        }
        if (names[block] == null && byName.putIfAbsent(name, block) == null) {
            names[block] = name;
            labels[block] = label;
        }
    }

    /**
     * What others call the blocks that may be found: those that are held, then the kept ones, the last that was let go first. As
     * beginnings are let go last, a block's predecessors stand before it among the kept. At most so many.
     */
    public long[] labels(int most) {
        LongStream held = IntStream.range(0, total)
                .filter(block -> holders[block] > 0 && names[block] != null)
                .mapToLong(block -> labels[block]);
        LongStream lastKeptFirst = kept.reversed().stream().mapToLong(block -> labels[block]);
        return LongStream.concat(held, lastKeptFirst)
                .filter(label -> label != 0)
                .limit(most)
                .toArray();
    }

    /** Gives a block back. */
    void give(int block) {
        if (holders[block] == 0) {
            throw new IllegalStateException("KV block " + block + " was given back but is not taken");
        }
        if (--holders[block] == 0) {
            if (names[block] == null) {
                blank.set(block);
            } else {
                kept.add(block);
            }
        }
    }

    /**
     * The conservation check: nothing runs, so nothing may be held but what is reserved, and every other block is blank or kept, not
     * both.
     *
     * @throws IllegalStateException if a block is held, or the books do not balance
     */
    public void requireAllFree() {
        BitSet held = new BitSet(total);
        for (int block = 0; block < total; block++) {
            if (holders[block] > 0 && !reserved.get(block)) {
                held.set(block);
            }
        }
        if (!held.isEmpty()) {
            throw new IllegalStateException(
                    "no sequence runs, but " + held.cardinality() + " KV blocks are held: " + held);
        }
        if (free() + reserved() != total
                || kept.size() != byName.size()
                || kept.stream().anyMatch(blank::get)) {
            throw new IllegalStateException("of %d KV blocks %d are blank, %d kept, %d named, %d reserved"
                    .formatted(total, blank.cardinality(), kept.size(), byName.size(), reserved()));
        }
    }
}
