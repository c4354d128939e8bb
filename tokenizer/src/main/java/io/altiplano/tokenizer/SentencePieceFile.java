package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * SentencePiece's {@code tokenizer.model}, as Meta ships it for Llama 2: a protobuf {@code ModelProto} of pieces with scores (field
 * 1), the trainer's settings (2) and the normalizer's (3). What would make another tokenizer of it than Llama 2's is refused.
 */
final class SentencePieceFile {
    /** The tag of the first field, where a file in tiktoken's format has a letter. */
    private static final int FIRST_BYTE = 0x0a;

    private static final long MOST_BYTES = 64L << 20;
    private static final int MOST_PIECES = 4_000_000;
    private static final int BPE = 2;

    private final Path file;
    private final List<SentencePieces.Piece> pieces = new ArrayList<>();
    private long modelType = 1;
    private boolean byteFallback;
    private boolean dummyPrefix = true;
    private boolean removesBlanks = true;

    private SentencePieceFile(Path file) {
        this.file = file;
    }

    /** Whether a file begins as this format does. */
    static boolean is(Path file) {
        try (var in = Files.newInputStream(file)) {
            return in.read() == FIRST_BYTE;
        } catch (IOException e) {
            throw new InvalidTokenizerException(file + " cannot be read: " + ModelFiles.firstLine(e), e);
        }
    }

    /**
     * The tree of the {@code tokenizer.json} that the directory would have.
     *
     * @throws InvalidTokenizerException naming the file and what is wrong with it
     */
    static ObjectNode read(Path file) {
        SentencePieceFile read = new SentencePieceFile(file);
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw read.invalid("is larger than " + (MOST_BYTES >> 20) + " MiB");
            }
            read.model(ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN));
        } catch (IOException e) {
            throw new InvalidTokenizerException(file + " cannot be read: " + ModelFiles.firstLine(e), e);
        }
        if (read.modelType != BPE || !read.byteFallback || read.removesBlanks) {
            throw read.invalid("is SentencePiece of another kind (model type " + read.modelType + ", byte fallback "
                    + read.byteFallback + ", removes blanks " + read.removesBlanks
                    + "); Altiplano reads Llama 2's: type 2 with byte fallback, keeping blanks");
        }
        return new SentencePieces(read.pieces, read.dummyPrefix).tokenizerJson(file);
    }

    private void model(ByteBuffer in) {
        while (in.hasRemaining()) {
            long tag = varint(in);
            switch ((int) (tag >>> 3)) {
                case 1 -> piece(chunk(in, tag));
                case 2 -> trainer(chunk(in, tag));
                case 3 -> normalizer(chunk(in, tag));
                default -> skip(in, tag);
            }
        }
    }

    private void piece(ByteBuffer in) {
        String text = "";
        float score = 0;
        long kind = 1;
        while (in.hasRemaining()) {
            long tag = varint(in);
            switch ((int) tag) {
                case 1 << 3 | 2 ->
                    text = StandardCharsets.UTF_8.decode(chunk(in, tag)).toString();
                case 2 << 3 | 5 -> score = Float.intBitsToFloat((int) fixed(in, 4));
                case 3 << 3 -> kind = varint(in);
                default -> skip(in, tag);
            }
        }
        int id = pieces.size();
        if (text.isEmpty() || !Float.isFinite(score) || id >= MOST_PIECES) {
            throw invalid("has a piece " + id + " without text or a finite score, or too many pieces");
        }
        pieces.add(new SentencePieces.Piece(text, score, SentencePieces.Kind.of(kind, file, id)));
    }

    private void trainer(ByteBuffer in) {
        while (in.hasRemaining()) {
            long tag = varint(in);
            switch ((int) tag) {
                case 3 << 3 -> modelType = varint(in);
                case 35 << 3 -> byteFallback = varint(in) != 0;
                default -> skip(in, tag);
            }
        }
    }

    private void normalizer(ByteBuffer in) {
        while (in.hasRemaining()) {
            long tag = varint(in);
            switch ((int) tag) {
                case 3 << 3 -> dummyPrefix = varint(in) != 0;
                case 4 << 3 -> removesBlanks = varint(in) != 0;
                default -> skip(in, tag);
            }
        }
    }

    private void skip(ByteBuffer in, long tag) {
        switch ((int) (tag & 7)) {
            case 0 -> varint(in);
            case 1 -> fixed(in, 8);
            case 2 -> chunk(in, tag);
            case 5 -> fixed(in, 4);
            default -> throw invalid("is no protobuf at byte " + in.position());
        }
    }

    private ByteBuffer chunk(ByteBuffer in, long tag) {
        long length = (tag & 7) == 2 ? varint(in) : -1;
        if (length < 0 || length > in.remaining()) {
            throw invalid("is cut off or damaged at byte " + in.position());
        }
        ByteBuffer chunk = in.slice(in.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
        in.position(in.position() + (int) length);
        return chunk;
    }

    private long fixed(ByteBuffer in, int bytes) {
        if (in.remaining() < bytes) {
            throw invalid("is cut off at byte " + in.position());
        }
        return bytes == 4 ? in.getInt() : in.getLong();
    }

    private long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (!in.hasRemaining()) {
                throw invalid("is cut off at byte " + in.position());
            }
            byte b = in.get();
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw invalid("is no protobuf at byte " + in.position());
    }

    private InvalidTokenizerException invalid(String what) {
        return new InvalidTokenizerException(file + ", read as SentencePiece, " + what);
    }
}
