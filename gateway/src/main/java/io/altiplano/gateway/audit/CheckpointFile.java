package io.altiplano.gateway.audit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * A file of checkpoints, open and locked for one writer: of several gateways that share it, one writes at a time. A line is
 * whole when it ends; what a crash left behind the last end was never told to anybody, and is taken away.
 */
final class CheckpointFile implements AutoCloseable {
    private static final int LONGEST_LINE = 4096;

    private final Path path;
    private final FileChannel channel;
    private final FileLock lock;

    private CheckpointFile(Path path, FileChannel channel, FileLock lock) {
        this.path = path;
        this.channel = channel;
        this.lock = lock;
    }

    /** Opens it, made if it is not there; nothing while another writer has it. */
    static Optional<CheckpointFile> open(Path path) throws IOException {
        FileChannel channel =
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return Optional.of(new CheckpointFile(path, channel, lock));
            }
        } catch (OverlappingFileLockException e) {
            // Another writer in this process has it.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        return Optional.empty();
    }

    /** The last whole line, without its end; empty if there is none. */
    String lastLine() throws IOException {
        long size = channel.size();
        int length = (int) Math.min(size, LONGEST_LINE);
        ByteBuffer tail = ByteBuffer.allocate(length);
        while (tail.hasRemaining()) {
            if (channel.read(tail, size - length + tail.position()) < 0) {
                throw new IOException(path + " became shorter while it was read");
            }
        }
        String text = new String(tail.array(), StandardCharsets.ISO_8859_1);
        int end = text.lastIndexOf('\n');
        if (end < 0 && size > length) {
            throw new IOException(path + " does not end in lines of checkpoints");
        }
        if (end + 1 < length) {
            channel.truncate(size - length + end + 1);
        }
        return end < 0 ? "" : text.substring(text.lastIndexOf('\n', end - 1) + 1, end);
    }

    /** Appends a line and waits until the disk has it. */
    void append(String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        channel.position(channel.size());
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        channel.force(true);
    }

    @Override
    public void close() throws IOException {
        lock.release();
        channel.close();
    }
}
