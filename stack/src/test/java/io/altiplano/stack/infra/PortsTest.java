package io.altiplano.stack.infra;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;

class PortsTest {
    @Test
    void portsAreFreeDistinctAndNoneThatTheSystemGivesAway() throws IOException {
        // when
        List<Integer> ports = Ports.free(50);

        // then
        try (ServerSocket given = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(ports)
                    .doesNotHaveDuplicates()
                    .hasSize(50)
                    .allMatch(Ports::isFree)
                    .allMatch(port -> port < given.getLocalPort());
        }
    }
}
