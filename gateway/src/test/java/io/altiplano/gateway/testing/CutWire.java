package io.altiplano.gateway.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A TCP wire between the gateway and a server that others share: cut, it drops its connections and refuses new ones. It can also
 * lose the answer to one commit, which then is done and not known to be.
 */
public final class CutWire implements AutoCloseable {
    private static final int FIRST_PORT = 10_000;
    private static final int LAST_PORT = 32_000;
    private static final int MOST_TRIES = 1_000;
    private static final long LET_GO_NANOS = 10_000_000_000L;
    private static final long PEEK_NANOS = 20_000_000;

    private final InetSocketAddress target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final int port;
    private final AtomicLong sent = new AtomicLong();
    private volatile ServerSocket listening;
    private final AtomicReference<@Nullable Losing> losing = new AtomicReference<>();
    private volatile boolean lost;

    /** What is to be lost when a text is sent for the last of some times: what it is part of, or the answer to the commit that follows. */
    private record Losing(String text, AtomicInteger times, boolean commit) {}

    /** Of one connection, how far the transaction has come whose commit's answer is lost. */
    private enum Loss {
        NONE,
        /** The text was sent: what is sent next is the commit. */
        COMMIT_NEXT,
        /** The commit was sent: what comes back is lost. */
        ANSWER_NEXT
    }

    /** A wire to a server. */
    public CutWire(String host, int port) {
        this.target = new InetSocketAddress(host, port);
        this.listening = listenAnywhere();
        this.port = listening.getLocalPort();
    }

    /** The near end's port on 127.0.0.1. */
    public int port() {
        return port;
    }

    /** How often the near end sent something so far: a round trip each, of what is asked and then waited for. */
    public long sent() {
        return sent.get();
    }

    /**
     * Loses, once, what the server answers to a commit, and breaks its connection.
     *
     * @param text which the transaction's last statement sends
     * @param time which time, from now on, that it is sent is meant: 1 is the next
     */
    public void loseCommitOf(String text, int time) {
        lost = false;
        losing.set(new Losing(text, new AtomicInteger(time), true));
    }

    /** Breaks, once, the connection on which a text is sent for the n-th time from now on, before it comes to the server. */
    public void lose(String text, int time) {
        lost = false;
        losing.set(new Losing(text, new AtomicInteger(time), false));
    }

    /** Whether that has happened. */
    public boolean lost() {
        return lost;
    }

    /** Drops all connections; new ones are refused from now on. */
    public void cut() {
        close();
    }

    /** Takes connections again. The system may hold the port for a moment yet after the socket that listened on it is closed. */
    public void heal() {
        long until = System.nanoTime() + LET_GO_NANOS;
        while (listening.isClosed()) {
            try {
                listening = listen(port);
            } catch (UncheckedIOException e) {
                if (System.nanoTime() > until) {
                    throw e;
                }
                LockSupport.parkNanos(PEEK_NANOS);
            }
        }
    }

    @Override
    public void close() {
        closeQuietly(listening);
        open.forEach(CutWire::closeQuietly);
        open.clear();
    }

    /** Not where the system places outgoing connections: while the wire is cut, one of them could take the port. */
    private ServerSocket listenAnywhere() {
        for (int tries = 0; ; tries++) {
            try {
                return listen(ThreadLocalRandom.current().nextInt(FIRST_PORT, LAST_PORT));
            } catch (UncheckedIOException e) {
                if (tries == MOST_TRIES) {
                    throw e;
                }
            }
        }
    }

    private ServerSocket listen(int at) {
        ServerSocket server = null;
        try {
            server = new ServerSocket();
            server.setReuseAddress(true);
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), at));
        } catch (IOException e) {
            if (server != null) {
                closeQuietly(server);
            }
            throw new UncheckedIOException(e);
        }
        ServerSocket bound = server;
        // Of a virtual thread the port would be let go only when that thread gets to run after the close.
        Thread.ofPlatform().daemon().name("wire").start(() -> accept(bound));
        return bound;
    }

    private void accept(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                Socket near = server.accept();
                Socket far = new Socket();
                open.add(near);
                open.add(far);
                far.connect(target);
                near.setTcpNoDelay(true);
                far.setTcpNoDelay(true);
                AtomicReference<Loss> loss = new AtomicReference<>(Loss.NONE);
                Thread.ofVirtual().start(() -> copy(near, far, (bytes, count) -> sent(bytes, count, loss)));
                Thread.ofVirtual().start(() -> copy(far, near, (_, _) -> answered(loss)));
                if (server.isClosed()) {
                    closeQuietly(near);
                    closeQuietly(far);
                }
            } catch (IOException e) {
                // The wire was cut, or the far end is gone: the near end sees it.
                continue;
            }
        }
    }

    /** What comes by; false if it is not to go on. */
    private interface Tap {
        boolean passes(byte[] bytes, int count);
    }

    private boolean sent(byte[] bytes, int count, AtomicReference<Loss> loss) {
        sent.incrementAndGet();
        if (loss.compareAndSet(Loss.COMMIT_NEXT, Loss.ANSWER_NEXT)) {
            return true;
        }
        Losing what = losing.get();
        if (what != null
                && new String(bytes, 0, count, StandardCharsets.ISO_8859_1).contains(what.text)
                && what.times.decrementAndGet() == 0) {
            losing.set(null);
            loss.set(Loss.COMMIT_NEXT);
            lost = !what.commit;
            return what.commit;
        }
        return true;
    }

    private boolean answered(AtomicReference<Loss> loss) {
        if (loss.get() != Loss.ANSWER_NEXT) {
            return true;
        }
        lost = true;
        return false;
    }

    private void copy(Socket from, Socket to, Tap tap) {
        try (InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream()) {
            byte[] buffer = new byte[8192];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (!tap.passes(buffer, n)) {
                    break;
                }
                out.write(buffer, 0, n);
                out.flush();
            }
        } catch (IOException e) {
            // One end is gone; below so is the other.
        } finally {
            closeQuietly(from);
            closeQuietly(to);
            open.remove(from);
            open.remove(to);
        }
    }

    private static void closeQuietly(AutoCloseable thing) {
        try {
            thing.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
