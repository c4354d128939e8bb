package io.altiplano.gateway.web;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The API's OpenAPI document, for everybody: {@code /openapi.json}, {@code /openapi.yaml}, and {@code /openapi} in either form, YAML
 * if none is asked for. Both are files beside the classes, which the tests hold against them: reading the document of
 * the classes took 0.14 s of every start.
 */
@ApplicationScoped
class OpenApiDocument {
    private static final String PATH = "/openapi";
    private static final String JSON = "json";
    private static final String YAML = "yaml";

    private final Map<String, Buffer> read = new ConcurrentHashMap<>();

    void routes(@Observes Router router) {
        answer(router, PATH + ".json", _ -> JSON);
        answer(router, PATH + ".yaml", _ -> YAML);
        answer(router, PATH + ".yml", _ -> YAML);
        answer(router, PATH, OpenApiDocument::asked);
    }

    private interface Form {
        String of(RoutingContext request);
    }

    private void answer(Router router, String path, Form form) {
        router.route(path).method(HttpMethod.GET).method(HttpMethod.HEAD).handler(request -> {
            String extension = form.of(request);
            Buffer document = read.computeIfAbsent(extension, OpenApiDocument::load);
            request.response()
                    .putHeader("content-type", "application/" + extension + ";charset=UTF-8")
                    .putHeader("content-length", Integer.toString(document.length()));
            if (request.request().method().equals(HttpMethod.HEAD)) {
                request.response().end();
            } else {
                request.response().end(document);
            }
        });
    }

    private static Buffer load(String extension) {
        String name = "/openapi/openapi." + extension;
        try (InputStream in = OpenApiDocument.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is not in the gateway's jar");
            }
            return Buffer.buffer(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String asked(RoutingContext request) {
        return request.queryParam("format").stream().anyMatch(format -> says(format, JSON))
                        || says(request.request().getHeader("accept"), "application/json")
                ? JSON
                : YAML;
    }

    private static boolean says(@Nullable String text, String word) {
        return text != null && text.toLowerCase(Locale.ROOT).contains(word);
    }
}
