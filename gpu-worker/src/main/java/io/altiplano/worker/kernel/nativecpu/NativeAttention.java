package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.ReductionOrder;
import io.altiplano.worker.kernel.cpu.RowTiles;
import io.altiplano.worker.kernel.cpu.Team;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/** Cuts attention into tiles: neighbouring rows of one sequence, and the query heads that share a KV head. */
final class NativeAttention {
    /** Chunks of one call, so that it is a piece of work of a few milliseconds at most. */
    private static final int CHUNKS = 64;

    private static final int QUERY_INTS = 3;

    private final NativeLibrary library;
    private final Team team;
    private final Scratch[] scratch;
    private final RowTiles rows = new RowTiles();

    private static final class Scratch {
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
        int tiles = rows.cut(batch, library.attendQueries / group);
        MemorySegment q = MemorySegment.ofArray(qkv);
        MemorySegment to = MemorySegment.ofArray(out);
        team.run(tiles * kv.heads(), (piece, worker) -> {
            // The last rows see most: they go first, so that no thread is left with a long piece at the end.
            RowTiles.Tile tile = rows.get(tiles - 1 - piece / kv.heads());
            attend(tile, piece % kv.heads(), q, stride, heads, kv, scale, to, scratch[worker]);
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
        long tokens = (long) blocks * kv.heads() * KvSlab.BLOCK;
        if (kv.values().count() < tokens * kv.valueWidth()
                || NativeHead.tokens(kv.keys()) < tokens
                || NativeHead.tokens(kv.values()) < tokens) {
            throw new IllegalArgumentException("there are keys of " + blocks + " blocks, but fewer values or scales");
        }
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

    /** Writes where each query's numbers and result are, and its position. */
    private static void describe(
            RowTiles.Tile tile, int kvHead, int group, int stride, int heads, int headDim, int[] to) {
        int i = 0;
        for (int m = tile.from(); m < tile.end(); m++) {
            for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
                to[i++] = m * stride + h * headDim;
                to[i++] = (m * heads + h) * headDim;
                to[i++] = tile.batch().positions()[m];
            }
        }
    }

    private void attend(
            RowTiles.Tile tile,
            int kvHead,
            MemorySegment q,
            int stride,
            int heads,
            KvSlab kv,
            float scale,
            MemorySegment out,
            Scratch mine) {
        int group = heads / kv.heads();
        int queries = tile.rows() * group;
        long bytes = Float.BYTES * library.attendScratch(queries, kv.valueWidth());
        if (mine.floats.byteSize() < bytes) {
            mine.floats = Arena.ofAuto().allocate(bytes, 64);
        }
        describe(tile, kvHead, group, stride, heads, kv.headDim(), mine.queries);
        NativeHead head = NativeHead.of(kv, kvHead, tile.table());
        MemorySegment described = MemorySegment.ofArray(mine.queries);
        int chunks = tile.lastPosition() / ReductionOrder.CHUNK + 1;
        for (int from = 0; from < chunks; from += CHUNKS) {
            int to = Math.min(from + CHUNKS, chunks);
            library.attend(head, q, described, queries, from, to, scale, mine.floats, out);
        }
    }
}
