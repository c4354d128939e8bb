package io.altiplano.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns tokens into text one at a time. Only whole characters come out: bytes that could still become one wait for the next
 * token. Bytes that cannot are U+FFFD, one for each maximal subpart, as in the Unicode standard (section 3.9) and in
 * decoding the whole at once; where the vocabulary is SentencePiece's, one for each byte, as there, and a blank that the text
 * begins with is taken off, because encoding put it there. For one answer and one thread.
 */
public final class Detokenizer {
    private final Tokenizer tokenizer;
    private final boolean skipSpecial;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private boolean begun;
    /** At most three bytes of an unfinished character. */
    private byte[] waiting = new byte[0];

    Detokenizer(Tokenizer tokenizer, boolean skipSpecial) {
        this.tokenizer = tokenizer;
        this.skipSpecial = skipSpecial;
    }

    /**
     * The text that a token makes certain; empty if none is.
     *
     * @throws IllegalArgumentException if the id is outside the vocabulary
     */
    public String add(int id) {
        byte[] bytes = tokenizer.bytesUnshared(id);
        if (bytes.length == 0 || (skipSpecial && tokenizer.isSpecial(id))) {
            return "";
        }
        return decode(bytes, false);
    }

    /** The rest when no token follows: U+FFFD for an unfinished character. The detokenizer can then begin anew. */
    public String end() {
        String rest = decode(new byte[0], true);
        decoder.reset();
        begun = false;
        return rest;
    }

    private String decode(byte[] bytes, boolean end) {
        ByteBuffer in = ByteBuffer.allocate(waiting.length + bytes.length)
                .put(waiting)
                .put(bytes)
                .flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + 4);
        CoderResult result = decoder.decode(in, out, end);
        while (result.isMalformed()) {
            in.position(in.position() + result.length());
            out.put("\ufffd".repeat(tokenizer.decoding().byByte() ? result.length() : 1));
            result = decoder.decode(in, out, end);
        }
        if (end) {
            decoder.flush(out);
        }
        waiting = new byte[in.remaining()];
        in.get(waiting);
        return withoutFirstBlank(out.flip().toString());
    }

    private String withoutFirstBlank(String text) {
        boolean first = !begun && !text.isEmpty();
        begun |= first;
        return first && tokenizer.decoding().takesFirstBlank() && text.charAt(0) == ' ' ? text.substring(1) : text;
    }
}
