package io.altiplano.stack.faults;

import io.altiplano.stack.infra.Ports;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;

/**
 * A TCP wire on loopback between a client and a server, which can be cut, made silent or made slow. What a silent or slow
 * wire holds back is delivered in order when it is open again: TCP loses nothing.
 */
final class Wire implements AutoCloseable {
    private static final long PEEK_NANOS = 20_000_000;
    private static final long LET_GO_NANOS = 10_000_000_000L;
    private static final long SLOW_NANOS = 120_000_000;

    /** What a wire does to what it is given. */
    enum Mode {
        /** It carries both ways. */
        OPEN,
        /** Its connections were dropped, and new ones are refused. */
        CUT,
        /** Nothing arrives at the server any more; what the server says arrives: a one-way hang. */
        DEAF,
        /** Each piece takes 120 ms longer each way. */
        SLOW
    }

    private final IntSupplier target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final int port;
    private volatile Mode mode = Mode.OPEN;
    private volatile ServerSocket listening;

    /** A wire whose connections go to the port on 127.0.0.1 that the supplier names when they are made. */
    Wire(IntSupplier target) {
        this.target = target;
        this.port = Ports.free(1).getFirst();
        this.listening = listen(port);
    }

    /** The near end's port on 127.0.0.1. */
    int port() {
        return port;
    }

    /** From now on. */
    void set(Mode wanted) {
        mode = wanted;
        if (wanted == Mode.CUT) {
            close();
        } else if (listening.isClosed()) {
            listening = listen(port);
        }
    }

    @Override
    public void close() {
        closeQuietly(listening);
        open.forEach(Wire::closeQuietly);
        open.clear();
    }

    /** The system may hold the port for a moment yet after the socket that listened on it before is closed. */
    private ServerSocket listen(int at) {
        long until = System.nanoTime() + LET_GO_NANOS;
        while (true) {
            try {
                return listenNow(at);
            } catch (BindException e) {
                if (System.nanoTime() > until) {
                    throw new UncheckedIOException(e);
                }
                LockSupport.parkNanos(PEEK_NANOS);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private ServerSocket listenNow(int at) throws IOException {
        ServerSocket server = new ServerSocket();
        try {
            server.setReuseAddress(true);
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 512);
        } catch (IOException e) {
            closeQuietly(server);
            throw e;
        }
        // Of a virtual thread the port would be let go only when that thread gets to run after the close.
        Thread.ofPlatform().daemon().name("wire").start(() -> accept(server));
        return server;
    }

    private void accept(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                Socket near = server.accept();
                Thread.ofVirtual().start(() -> join(near, server));
            } catch (IOException e) {
                // The wire was cut; the loop's condition sees it.
                continue;
            }
        }
    }

    private void join(Socket near, ServerSocket server) {
        Socket far = new Socket();
        open.add(near);
        open.add(far);
        try {
            far.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target.getAsInt()), 2_000);
            near.setTcpNoDelay(true);
            far.setTcpNoDelay(true);
        } catch (IOException e) {
            // Nobody is there: the near end sees its connection dropped.
            closeQuietly(near);
            closeQuietly(far);
            return;
        }
        if (server.isClosed()) {
            closeQuietly(near);
            closeQuietly(far);
            return;
        }
        Thread.ofVirtual().start(() -> copy(near, far, true));
        Thread.ofVirtual().start(() -> copy(far, near, false));
    }

    private void copy(Socket from, Socket to, boolean toServer) {
        try (InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream()) {
            byte[] buffer = new byte[16384];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                hold(from, toServer);
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

    private void hold(Socket from, boolean toServer) {
        if (mode == Mode.SLOW) {
            LockSupport.parkNanos(SLOW_NANOS);
        }
        while (toServer && mode == Mode.DEAF && !from.isClosed()) {
            LockSupport.parkNanos(PEEK_NANOS);
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
