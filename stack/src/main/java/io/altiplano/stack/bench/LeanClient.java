package io.altiplano.stack.bench;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.function.ObjLongConsumer;

/**
 * One HTTP/1.1 connection that is kept, with as little work a byte as can be: the client shares the machine with what it
 * measures. Not safe for use by several threads.
 */
final class LeanClient implements AutoCloseable {
    private final Socket socket = new Socket();
    private final InputStream in;
    private final String authority;
    private final String key;

    /** Connects to 127.0.0.1. */
    LeanClient(int port, String key) throws IOException {
        socket.setTcpNoDelay(true);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
        socket.setSoTimeout(60_000);
        in = new BufferedInputStream(socket.getInputStream(), 8192);
        authority = "127.0.0.1:" + port;
        this.key = key;
    }

    /**
     * Sends a request and reads its answer, be it chunked or of a known length.
     *
     * @param piece hears each line of a chunked answer as it comes, and when, by {@link System#nanoTime}
     * @return the status
     */
    int send(String method, String path, String body, ObjLongConsumer<String> piece) throws IOException {
        write(method, path, body);
        String status = line();
        int length = -1;
        boolean chunked = false;
        for (String header = line(); !header.isEmpty(); header = line()) {
            String lower = header.toLowerCase(java.util.Locale.ROOT);
            if (lower.startsWith("content-length:")) {
                length = Integer.parseInt(
                        lower.substring("content-length:".length()).strip());
            } else if (lower.startsWith("transfer-encoding:")) {
                chunked = lower.contains("chunked");
            }
        }
        if (chunked) {
            chunks(piece);
        } else if (length > 0) {
            in.skipNBytes(length);
        }
        return Integer.parseInt(status.substring(9, 12));
    }

    /** Sends a request and reads nothing. */
    void sendOnly(String method, String path, String body) throws IOException {
        write(method, path, body);
    }

    /** Reads whatever comes until the connection ends. */
    void discard() {
        try {
            in.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (IOException e) {
            // It was closed, here or there: that is how this ends.
            return;
        }
    }

    private void write(String method, String path, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        String head = method + " " + path + " HTTP/1.1\r\nhost: " + authority + "\r\nauthorization: Bearer " + key
                + "\r\ncontent-type: application/json\r\ncontent-length: " + bytes.length + "\r\n\r\n";
        ByteArrayOutputStream out = new ByteArrayOutputStream(head.length() + bytes.length);
        out.writeBytes(head.getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(bytes);
        out.writeTo(socket.getOutputStream());
    }

    private void chunks(ObjLongConsumer<String> piece) throws IOException {
        StringBuilder rest = new StringBuilder();
        for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
            byte[] chunk = in.readNBytes(size);
            long at = System.nanoTime();
            line();
            rest.append(new String(chunk, StandardCharsets.UTF_8));
            for (int end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
                piece.accept(rest.substring(0, end), at);
                rest.delete(0, end + 1);
            }
        }
        line();
    }

    private String line() throws IOException {
        StringBuilder text = new StringBuilder(64);
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new IOException("the connection ended");
            }
            if (b != '\r') {
                text.append((char) b);
            }
        }
        return text.toString();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // A closed socket is what was wanted.
            return;
        }
    }
}
