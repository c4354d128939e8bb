package io.altiplano.stack.faults;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** What stands before the gateways, as a load balancer of connections does: each goes, in turns, to one that says it is ready. */
final class FrontDoor implements AutoCloseable {
    private final List<Integer> gateways;
    private final AtomicInteger turn = new AtomicInteger();
    private final Wire wire = new Wire(this::next);

    /** To gateways on these ports of 127.0.0.1. */
    FrontDoor(List<Integer> gateways) {
        this.gateways = List.copyOf(gateways);
    }

    /** The port on 127.0.0.1 that clients know. */
    int port() {
        return wire.port();
    }

    private int next() {
        int first = turn.getAndIncrement();
        for (int i = 0; i < gateways.size(); i++) {
            int port = gateways.get(Math.floorMod(first + i, gateways.size()));
            if (ready(port)) {
                return port;
            }
        }
        return gateways.get(Math.floorMod(first, gateways.size()));
    }

    /** Whether the service on a port of 127.0.0.1 says that it is ready. */
    static boolean ready(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
            socket.setSoTimeout(1_000);
            socket.getOutputStream().write("GET /q/health/ready HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            byte[] line = socket.getInputStream().readNBytes(12);
            return new String(line, StandardCharsets.US_ASCII).endsWith(" 200");
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        wire.close();
    }
}
