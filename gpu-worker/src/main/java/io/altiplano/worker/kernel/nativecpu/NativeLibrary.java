package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.kernel.WeightType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;

/**
 * The functions of {@code src/main/native}, which document layouts and arguments. They take Java arrays as they are; meanwhile
 * the collector waits, so a call is a piece of work of a few milliseconds at most.
 */
final class NativeLibrary {
    /** What {@code altiplano_version} must answer. */
    static final int VERSION = 3;

    private static final String RESOURCE = "/native/libaltiplano-kernels.so";
    private static final String NOT_BUILT = "/native/unavailable.txt";
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT;
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG;
    private static final AddressLayout PTR = ValueLayout.ADDRESS;

    /** Rows of activations of one call of {@link #many}, at most. */
    final int manyRows;
    /** Rows of a tile of {@link #many}. */
    final int tile;
    /** Rows of a group of {@link #few}, at most. */
    final int group;
    /** Scratch bytes of {@link #many}. */
    final long scratchBytes;

    /** Queries of one call of {@link #attend}, at most. */
    final int attendQueries;

    private final MethodHandle attendScratch;
    private final MethodHandle attend;
    final MethodHandle limitRead;
    final MethodHandle limitFma;
    final MethodHandle limitDp;

    private final Instructions instructions;
    private final MethodHandle panelsTogether;
    private final MethodHandle layFew;
    private final MethodHandle layMany;
    private final MethodHandle few;
    private final MethodHandle many;
    private final MethodHandle absMax;
    private final MethodHandle quantize;
    private final MethodHandle rmsNorm;
    private final MethodHandle swiGlu;

    private NativeLibrary(SymbolLookup symbols, Instructions instructions) {
        this.instructions = instructions;
        manyRows = (int) constant(symbols, "altiplano_many_rows");
        tile = (int) constant(symbols, "altiplano_tile");
        group = (int) constant(symbols, "altiplano_group");
        scratchBytes = constant(symbols, "altiplano_scratch_bytes");
        panelsTogether = function(symbols, "altiplano_panels_together", I64, I64);
        layFew = function(symbols, "altiplano_lay_few", null, I32, PTR, I64, I64, I64, I64, I64, I64, PTR);
        layMany = function(symbols, "altiplano_lay_many", null, I32, PTR, I64, I64, I64, I64, I64, I64, I64, PTR);
        few = function(symbols, "altiplano_few", null, I32, PTR, I64, I64, I64, I64, I64, I64, PTR, I64, PTR);
        attendQueries = (int) constant(symbols, "altiplano_attend_queries");
        attendScratch = function(symbols, "altiplano_attend_scratch", I64, I64, I64);
        attend = function(
                symbols,
                "altiplano_attend",
                null,
                I32,
                PTR,
                PTR,
                PTR,
                PTR,
                PTR,
                I64,
                I64,
                I64,
                PTR,
                PTR,
                I64,
                I64,
                I64,
                F32,
                PTR,
                PTR);
        limitRead = function(symbols, "altiplano_limit_read", I64, PTR, I64);
        limitFma = function(symbols, "altiplano_limit_fma", null, I64);
        limitDp = function(symbols, "altiplano_limit_dp", null, I64);
        many = function(symbols, "altiplano_many", null, I32, PTR, I64, I64, I64, I64, PTR, I64, PTR, I64, PTR);
        absMax = function(symbols, "altiplano_abs_max", null, PTR, I64, I64, PTR);
        quantize = function(symbols, "altiplano_quantize", null, PTR, I64, I64, PTR);
        rmsNorm = function(symbols, "altiplano_rms_norm", null, PTR, I64, I64, PTR, F32, PTR);
        swiGlu = function(symbols, "altiplano_swi_glu", null, PTR, I64, I64, PTR);
    }

    /**
     * Copies the library that was built with this class to a temporary file.
     *
     * @throws NativeUnavailableException if there is none, or no place for it
     */
    static Path extract() throws NativeUnavailableException {
        try (InputStream in = NativeLibrary.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new NativeUnavailableException(whyNotBuilt());
            }
            Path file = Files.createTempFile("libaltiplano-kernels", ".so");
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
            return file;
        } catch (IOException e) {
            throw new NativeUnavailableException("the library cannot be written to a temporary file: " + e);
        }
    }

    /** Takes away what {@link #extract} wrote. */
    static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // A forgotten file of 200 KB does no harm.
            file.toFile().deleteOnExit();
        }
    }

    private static String whyNotBuilt() throws IOException {
        try (InputStream in = NativeLibrary.class.getResourceAsStream(NOT_BUILT)) {
            return in == null
                    ? "the library was not built"
                    : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }

    /**
     * Loads a library, for as long as the process lives.
     *
     * @param wanted for FP8 weights
     * @throws NativeUnavailableException if it is not ours, or this machine lacks what it needs
     */
    static NativeLibrary open(Path file, Instructions wanted) throws NativeUnavailableException {
        SymbolLookup symbols;
        int version;
        try {
            symbols = SymbolLookup.libraryLookup(file, Arena.global());
            version = (int) function(symbols, "altiplano_version", I32).invokeExact();
        } catch (Throwable e) {
            throw new NativeUnavailableException(file + " cannot be loaded: " + e.getMessage());
        }
        if (version != VERSION) {
            throw new NativeUnavailableException("%s has version %d, not %d".formatted(file, version, VERSION));
        }
        int missing;
        try {
            missing = (int) function(symbols, "altiplano_missing", I32).invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        if ((missing & wanted.needs) != 0) {
            throw new NativeUnavailableException(
                    "this processor has no " + ((missing & 1) != 0 ? "AVX-512 (F, BW, DQ and VL)" : wanted.name()));
        }
        return new NativeLibrary(symbols, wanted);
    }

    private static MethodHandle function(
            SymbolLookup symbols, String name, @Nullable MemoryLayout result, MemoryLayout... arguments) {
        FunctionDescriptor type =
                result == null ? FunctionDescriptor.ofVoid(arguments) : FunctionDescriptor.of(result, arguments);
        return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), type, Linker.Option.critical(true));
    }

    private static long constant(SymbolLookup symbols, String name) {
        try {
            return (long) function(symbols, name, I64).invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    Instructions instructions() {
        return instructions;
    }

    /** What the native functions call the type. */
    int code(WeightType type) {
        return switch (type) {
            case F32 -> 0;
            case BF16 -> 1;
            case F8 -> instructions.code;
        };
    }

    private int code(KvType type) {
        boolean vbmi = instructions != Instructions.AVX512;
        return switch (type) {
            case F32 -> 0;
            case BF16 -> vbmi ? 3 : 1;
            case FP8 -> vbmi ? 4 : 2;
        };
    }

    int panelsTogether(int rows) {
        try {
            return (int) (long) panelsTogether.invokeExact((long) rows);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void layFew(Shape w, MemorySegment x, long from, long size, MemorySegment to) {
        try {
            layFew.invokeExact(code(w.type()), x, from, size, w.width(), w.length(), w.slices(), w.stored(), to);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void layMany(Shape w, MemorySegment x, long from, long t, long rows, MemorySegment to) {
        try {
            layMany.invokeExact(code(w.type()), x, from, t, rows, w.width(), w.length(), w.slices(), w.stored(), to);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void few(Shape w, long group, long end, long count, MemorySegment x, long rows, MemorySegment out) {
        try {
            few.invokeExact(
                    code(w.type()), w.panels(), w.outputs(), w.slices(), w.stored(), group, end, count, x, rows, out);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void many(Shape w, long panel, MemorySegment x, long rows, MemorySegment out, long from, MemorySegment scratch) {
        try {
            many.invokeExact(
                    code(w.type()),
                    w.panels(),
                    w.outputs(),
                    w.slices(),
                    w.stored(),
                    panel,
                    x,
                    rows,
                    out,
                    from,
                    scratch);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Floats of {@code scratch} that {@link #attend} needs. */
    long attendScratch(long queries, long width) {
        try {
            return (long) attendScratch.invokeExact(queries, width);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Attends to the chunks {@code [from, to)} of one KV head; {@code scratch} keeps what the next ones need. */
    void attend(
            NativeHead head,
            MemorySegment q,
            MemorySegment queries,
            long count,
            long from,
            long to,
            float scale,
            MemorySegment scratch,
            MemorySegment out) {
        try {
            attend.invokeExact(
                    code(head.type()),
                    head.keys(),
                    head.keyScales(),
                    head.values(),
                    head.valueScales(),
                    head.table(),
                    head.heads(),
                    head.head(),
                    head.headDim(),
                    q,
                    queries,
                    count,
                    from,
                    to,
                    scale,
                    scratch,
                    out);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void absMax(MemorySegment x, long rows, long width, MemorySegment max) {
        try {
            absMax.invokeExact(x, rows, width, max);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void quantize(MemorySegment x, long rows, long width, MemorySegment scales) {
        try {
            quantize.invokeExact(x, rows, width, scales);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void rmsNorm(MemorySegment x, long rows, long width, MemorySegment weight, float epsilon, MemorySegment out) {
        try {
            rmsNorm.invokeExact(x, rows, width, weight, epsilon, out);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    void swiGlu(MemorySegment gateUp, long rows, long width, MemorySegment out) {
        try {
            swiGlu.invokeExact(gateUp, rows, width, out);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    private static RuntimeException failed(Throwable e) {
        return new IllegalStateException("a native kernel could not be called: " + e, e);
    }
}
