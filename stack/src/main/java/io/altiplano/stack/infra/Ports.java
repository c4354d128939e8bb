package io.altiplano.stack.infra;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Loopback ports. */
public final class Ports {
    private static final int FIRST = 10_000;
    private static final int FEWEST = 5_000;
    private static final int TRIES = 10_000;

    private Ports() {}

    /**
     * Distinct ports that are free now. They are below those that the system gives to outgoing connections, so nothing takes one while
     * whoever listened on it is started again.
     */
    public static List<Integer> free(int count) {
        List<ServerSocket> held = new ArrayList<>();
        try {
            int end = firstOutgoing();
            for (int tries = 0; held.size() < count && tries < TRIES; tries++) {
                int port =
                        end - FIRST < FEWEST ? 0 : ThreadLocalRandom.current().nextInt(FIRST, end);
                try {
                    held.add(new ServerSocket(port, 1, InetAddress.getLoopbackAddress()));
                } catch (IOException e) {
                    // Taken: the next one.
                    continue;
                }
            }
            if (held.size() < count) {
                throw new InfraException(
                        "no " + count + " ports from " + FIRST + " to " + end + " are free on 127.0.0.1");
            }
            return held.stream().map(ServerSocket::getLocalPort).toList();
        } finally {
            for (ServerSocket socket : held) {
                try {
                    socket.close();
                } catch (IOException e) {
                    // A listening socket that fails to close is closed by the end of this process.
                    continue;
                }
            }
        }
    }

    private static int firstOutgoing() {
        try (InputStream range = Files.newInputStream(Path.of("/proc/sys/net/ipv4/ip_local_port_range"))) {
            // In one read: the kernel answers no second one.
            byte[] text = new byte[64];
            int length = Math.max(0, range.read(text));
            return Integer.parseInt(new String(text, 0, length, StandardCharsets.US_ASCII)
                    .strip()
                    .split("\\s+")[0]);
        } catch (IOException | NumberFormatException e) {
            // Linux's default.
            return 32_768;
        }
    }

    /** Whether nobody listens on 127.0.0.1:port. */
    public static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
