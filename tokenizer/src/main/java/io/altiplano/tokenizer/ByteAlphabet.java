package io.altiplano.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * GPT-2's bijection between bytes and printable characters, in which byte-level BPE vocabularies are written: printable
 * Latin-1 stands for itself, every other byte for U+0100 and up in ascending order.
 */
final class ByteAlphabet {
    private static final int[] BYTE_OF_CHAR = table();
    private static final char[] CHAR_OF_BYTE = inverse();

    private ByteAlphabet() {}

    /** The bytes of a vocabulary entry; characters outside the alphabet stand for their own UTF-8. */
    static byte[] bytes(String entry) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(entry.length());
        entry.codePoints().forEach(c -> {
            if (c < BYTE_OF_CHAR.length && BYTE_OF_CHAR[c] >= 0) {
                out.write(BYTE_OF_CHAR[c]);
            } else {
                out.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
            }
        });
        return out.toByteArray();
    }

    /** The vocabulary entry of bytes: as many characters. */
    static String entry(byte[] bytes) {
        char[] entry = new char[bytes.length];
        for (int i = 0; i < entry.length; i++) {
            entry[i] = CHAR_OF_BYTE[bytes[i] & 0xff];
        }
        return new String(entry);
    }

    private static char[] inverse() {
        char[] charOfByte = new char[256];
        for (int c = 0; c < BYTE_OF_CHAR.length; c++) {
            if (BYTE_OF_CHAR[c] >= 0) {
                charOfByte[BYTE_OF_CHAR[c]] = (char) c;
            }
        }
        return charOfByte;
    }

    private static int[] table() {
        int[] byteOfChar = new int[256 + 68];
        Arrays.fill(byteOfChar, -1);
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
            byteOfChar[printable ? b : next++] = b;
        }
        return byteOfChar;
    }
}
