package io.altiplano.gateway.testing;

import static io.restassured.RestAssured.given;

/** The running gateway's metrics page. */
public final class Metrics {
    private Metrics() {}

    /**
     * The value of a metric, summed over its series; 0 if there is none.
     *
     * @param name as on the page, with or without labels: {@code a_total} or {@code a_total{code="x"}}
     */
    public static double sum(String name) {
        return given().get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
