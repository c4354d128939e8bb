package io.altiplano.stack.infra;

import java.net.http.HttpClient;
import java.time.Duration;

/**
 * HTTP/1.1 clients. By default the JDK's client asks a plain server to go on in HTTP/2; between two requests of the same
 * connection one was seen to wait for its body for ever, which {@code HttpRequest.timeout} does not end, while the service
 * answered everybody else.
 */
public final class PlainHttp {
    private PlainHttp() {}

    /** One that takes at most 5 s to connect. */
    public static HttpClient client() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(5))
                .build();
    }
}
