package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvPlane;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.ReductionOrder;
import io.altiplano.worker.kernel.cpu.Team;
import io.altiplano.worker.kernel.cpu.WidenedChunk;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * Cuts attention into tiles: neighbouring rows of one sequence, and the query heads that share a KV head. A chunk of keys and
 * values is read, and widened if need be, once for the whole tile.
 */
final class NativeAttention {
    /** Queries that are worth widening a chunk for; fewer widen what they read. */
    private static final int WIDEN = 12;

    private static final int BLOCKS = ReductionOrder.CHUNK / KvSlab.BLOCK;
    private static final int QUERY_INTS = 4;

    private final NativeLibrary library;
    private final Team team;
    private final Scratch[] scratch;
    private int[] tileFrom = new int[0];

    private static final class Scratch {
        final WidenedChunk chunk = new WidenedChunk();
        final int[] at = new int[2 * BLOCKS];
        final int[] queries;
        MemorySegment floats = MemorySegment.NULL;

        Scratch(int queries) {
            this.queries = new int[queries * QUERY_INTS];
        }
    }

    NativeAttention(NativeLibrary library, Team team) {
        this.library = library;
        this.team = team;
        scratch = new Scratch[team.threads()];
        Arrays.setAll(scratch, i -> new Scratch(library.attendQueries));
    }

    /** Whether a tile of one row fits. */
    boolean serves(int heads, KvSlab kv) {
        return heads / kv.heads() <= library.attendQueries;
    }

    void run(AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
        require(batch, qkv, stride, heads, kv, out);
        int group = heads / kv.heads();
        int tiles = tile(batch, library.attendQueries / group);
        MemorySegment q = MemorySegment.ofArray(qkv);
        MemorySegment to = MemorySegment.ofArray(out);
        team.run(tiles * kv.heads(), (piece, worker) -> {
            // The last rows see most: they go first, so that no thread is left with a long piece at the end.
            int tile = tiles - 1 - piece / kv.heads();
            int head = piece % kv.heads();
            Tile rows = new Tile(batch, tileFrom[tile], tileFrom[tile + 1], group, head);
            attend(rows, q, stride, heads, kv, scale, to, scratch[worker]);
        });
    }

    /** Native code reads where it is told to: what Java would find out by reading is found out before. */
    private static void require(AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float[] out) {
        long width = (long) heads * kv.headDim();
        if (batch.rows() > 0 && (batch.rows() - 1L) * stride + width > qkv.length) {
            throw new IllegalArgumentException(
                    batch.rows() + " rows of " + stride + " floats do not fit an array of " + qkv.length);
        }
        if (batch.rows() * width > out.length) {
            throw new IllegalArgumentException(
                    batch.rows() + " rows of " + width + " floats do not fit an array of " + out.length);
        }
        int blocks = kv.blocks();
        int last = -1;
        for (int m = 0; m < batch.rows(); m++) {
            int sequence = batch.sequence()[m];
            boolean ends = m + 1 == batch.rows() || batch.sequence()[m + 1] != sequence;
            last = Math.max(last, batch.positions()[m]);
            if (ends) {
                int[] table = batch.blockTables()[sequence];
                for (int b = 0; b <= last / KvSlab.BLOCK; b++) {
                    Objects.checkIndex(table[b], blocks);
                }
                last = -1;
            }
        }
    }

    /** Fills {@link #tileFrom} with the first row of each tile and the end; returns the number of tiles. */
    private int tile(AttentionRows batch, int most) {
        if (tileFrom.length <= batch.rows()) {
            tileFrom = new int[batch.rows() + 1];
        }
        int tiles = 0;
        for (int m = 0; m < batch.rows(); m++) {
            boolean goesOn = tiles > 0
                    && m - tileFrom[tiles - 1] < most
                    && batch.sequence()[m] == batch.sequence()[tileFrom[tiles - 1]];
            if (!goesOn) {
                tileFrom[tiles++] = m;
            }
        }
        tileFrom[tiles] = batch.rows();
        return tiles;
    }

    private record Tile(AttentionRows batch, int from, int end, int group, int kvHead) {
        int lastPosition() {
            int last = 0;
            for (int m = from; m < end; m++) {
                last = Math.max(last, batch.positions()[m]);
            }
            return last;
        }

        int queries() {
            return (end - from) * group;
        }

        /** Writes each query's place, what it sees of the chunk, and whether it sees no more. */
        void describe(int chunk, int stride, int heads, int headDim, int[] queries) {
            int i = 0;
            for (int m = from; m < end; m++) {
                int seen = Math.clamp(batch.positions()[m] + 1L - chunk, 0, ReductionOrder.CHUNK);
                boolean last = batch.positions()[m] < chunk + ReductionOrder.CHUNK;
                for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
                    queries[i++] = m * stride + h * headDim;
                    queries[i++] = (m * heads + h) * headDim;
                    queries[i++] = seen;
                    queries[i++] = last ? 1 : 0;
                }
            }
        }
    }

    private void attend(
            Tile tile,
            MemorySegment q,
            int stride,
            int heads,
            KvSlab kv,
            float scale,
            MemorySegment out,
            Scratch mine) {
        int width = kv.valueWidth();
        int last = tile.lastPosition();
        int[] table = tile.batch().blockTables()[tile.batch().sequence()[tile.from()]];
        long bytes = Float.BYTES * library.attendScratch(tile.queries(), width);
        if (mine.floats.byteSize() < bytes) {
            mine.floats = Arena.ofAuto().allocate(bytes, 64);
        }
        boolean bf16 = tile.queries() < WIDEN && kv.keys() instanceof KvPlane.Bfloat16;
        for (int chunk = 0; chunk <= last; chunk += ReductionOrder.CHUNK) {
            int seen = Math.min(ReductionOrder.CHUNK, last + 1 - chunk);
            MemorySegment keys;
            MemorySegment values;
            if (bf16) {
                keys = MemorySegment.ofArray(((KvPlane.Bfloat16) kv.keys()).numbers());
                values = MemorySegment.ofArray(((KvPlane.Bfloat16) kv.values()).numbers());
                WidenedChunk.offsets(kv, tile.kvHead(), table, chunk / KvSlab.BLOCK, seen, mine.at);
            } else {
                mine.chunk.read(kv, tile.kvHead(), table, chunk, seen);
                keys = MemorySegment.ofArray(mine.chunk.keys());
                values = MemorySegment.ofArray(mine.chunk.values());
                mine.chunk.offsets(seen, mine.at);
            }
            tile.describe(chunk, stride, heads, kv.headDim(), mine.queries);
            library.attend(
                    bf16 ? 1 : 0,
                    keys,
                    values,
                    MemorySegment.ofArray(mine.at),
                    kv.headDim(),
                    width,
                    q,
                    MemorySegment.ofArray(mine.queries),
                    tile.queries(),
                    seen,
                    scale,
                    chunk == 0 ? 1 : 0,
                    mine.floats,
                    out);
        }
    }
}
