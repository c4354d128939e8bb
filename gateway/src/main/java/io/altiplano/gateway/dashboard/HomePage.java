package io.altiplano.gateway.dashboard;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The index: what runs here and where. Nothing on it is secret and nothing is fetched from elsewhere. */
@Path("/")
public class HomePage {
    private static final String PAGE = load();

    /** The index page. */
    @GET
    public Response home(@Context UriInfo uri) {
        return page(uri);
    }

    /** The same, under the name that the launcher prints. */
    @GET
    @Path("/console")
    public Response console(@Context UriInfo uri) {
        return page(uri);
    }

    private static Response page(UriInfo uri) {
        String base = uri.getBaseUri().toString().replaceAll("/+$", "");
        String html = PAGE.replace("{{base}}", escape(base));
        return Response.ok(html, "text/html; charset=utf-8")
                .header(
                        "content-security-policy",
                        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
                                + " frame-ancestors 'none'")
                .header("referrer-policy", "no-referrer")
                .build();
    }

    /** The Host header is the client's to choose. */
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    private static String load() {
        try (InputStream in = HomePage.class.getResourceAsStream("/pages/home.html")) {
            if (in == null) {
                throw new IllegalStateException("pages/home.html is not in the gateway's jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
